"""`python -m tests.bench`: measures, prints a table, ends with 0 whatever the goals say.

Speaks to loopback only, stops by itself, and leaves no process behind.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.domain.errors import BadConfiguration
from tests import engine
from tests.bench.footprint import Footprint, footprint
from tests.bench.load import write_script
from tests.bench.machine import facts, steal_s
from tests.bench.processes import BenchError, two_cores
from tests.bench.publisher import MANY, publisher
from tests.bench.readers import browsers
from tests.bench.redis_side import RedisSide
from tests.bench.report import HEAD, Results, line
from tests.bench.rounds import Bench, Pair, Rounds
from tests.bench.rows import ROWS

ROUNDS, SECONDS = 5, 3
FOOTPRINT = "footprint"
NAMES = (*(row.name for row in ROWS), FOOTPRINT)
LIMIT_S = 600.0  # for a default run; more rounds or seconds have more


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, how often, and how long each."""

    names: tuple[str, ...]
    rounds: int
    seconds: int

    @property
    def limit_s(self) -> float:
        """The time after which something must be wrong."""
        return LIMIT_S * max(1, self.rounds / ROUNDS) * max(1, self.seconds / SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; not 0 when anything went wrong on the way."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--seconds", type=_positive, default=SECONDS, help=f"default {SECONDS}")
    parser.add_argument("--only", type=_names, default=NAMES, help=f"some of {','.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures there too")
    options = parser.parse_args(arguments)
    try:
        results = asyncio.run(_bounded(Wanted(options.only, options.rounds, options.seconds)))
    except (BenchError, BadConfiguration, RuntimeError, TimeoutError, OSError) as error:
        _say(f"bench: {str(error) or type(error).__name__}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say("bench: stopped")
        return 130
    sys.stdout.write(results.text())
    if options.json:
        options.json.write_text(json.dumps(results.json(), indent=1) + "\n")
    return 0


async def _bounded(wanted: Wanted) -> Results:
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    bound = asyncio.timeout(wanted.limit_s)
    try:
        async with bound:
            with tempfile.TemporaryDirectory(prefix="handbill-bench-") as directory:
                return await _measured(Path(directory), wanted)
    except TimeoutError:
        if bound.expired():
            raise BenchError(f"not done within {wanted.limit_s:.0f} s") from None
        raise


async def _measured(directory: Path, wanted: Wanted) -> Results:
    known, stolen = facts(directory), steal_s()
    light: Footprint | None = None
    if FOOTPRINT in wanted.names:  # first, while nothing is pinned
        light = await footprint(directory / "footprint")
    rounds: Rounds | None = None
    if any(row.name in wanted.names for row in ROWS):
        server, load = two_cores()
        known["cores used"] = f"{server} server; {load} wrk and the engine (AOF, everysec)"
        known["rounds"] = f"{wanted.rounds} of {wanted.seconds} s each side of each row"
        rounds = await _interleaved(directory, wanted, server)
    known["stolen by the hypervisor"] = f"{steal_s() - stolen:.1f} s"
    return Results(known, rounds, light)


async def _interleaved(directory: Path, wanted: Wanted, core: int) -> Rounds:
    script, audience = write_script(directory), browsers()
    rows = [row for row in ROWS if row.name in wanted.names]
    async with engine.running(directory / "redis") as redis:
        measured_with = publisher(directory)
        many = publisher(directory / "many", MANY) if any(row.many for row in rows) else None
        bench = Bench(
            directory, script, measured_with, audience, RedisSide(redis.url), core,
            wanted.seconds, many,
        )  # fmt: skip
        _say(f"round  {HEAD}")
        return await bench.run(rows, wanted.rounds, _tell)


def _tell(number: int, row: str, pair: Pair) -> None:
    _say(f"{number + 1:5}  {line(row, [pair])}")


def _say(text: str) -> None:
    """Tell a person what happens; the results alone go to standard output."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(NAMES):
        raise argparse.ArgumentTypeError(f"give some of {','.join(NAMES)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
