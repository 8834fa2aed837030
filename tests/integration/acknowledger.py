"""A process that journals events and tells each acknowledgement on standard output, for ever."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.journals import opened, views


async def acknowledge(directory: Path) -> None:
    """Print the number of each event as soon as it is acknowledged."""
    async with opened(directory) as made:
        for serial in count():
            await made.take(*views(serial, 1))
            sys.stdout.write(f"{serial}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(acknowledge(Path(sys.argv[1])))
