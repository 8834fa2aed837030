"""Services that live one after another over one data directory, each with a fault of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from service.adapters.crash_points import VARIABLE
from service.adapters.engine_program import tied_to_parent
from service.adapters.key_file import create_key_file
from tests.serving import Serving, serving
from tests.torture.ledger import Load


class Lives:
    """A data directory under `home`, its keys and its Redis."""

    def __init__(self, home: Path, redis_url: str, *, data: Path | None = None) -> None:
        self.keys = home / "keys"
        self._data = data or home / "data"
        self._flags = ("--keys", str(self.keys), "--redis-url", redis_url)
        create_key_file(self.keys)

    @asynccontextmanager
    async def life(
        self, load: Load, *flags: str, fault: str = "", prefix: Sequence[str] = ()
    ) -> AsyncIterator[Serving]:
        """Run the service until the block ends; meanwhile readers go there."""
        async with serving(
            self._data, *self._flags, *flags,
            environ={VARIABLE: fault}, prefix=(*tied_to_parent(()), *prefix),
        ) as service:  # fmt: skip
            load.move_to(service.public)
            try:
                yield service
            finally:
                load.move_to()
