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
from math import ceil
from pathlib import Path

from service.domain.errors import BadConfiguration
from tests import engine
from tests.bench.footprint import Footprint, footprint
from tests.bench.load import write_script
from tests.bench.machine import facts, steal_s
from tests.bench.measured import Pair
from tests.bench.outage import EVENTS, QUEUED, Outage, outages
from tests.bench.processes import BenchError, two_cores
from tests.bench.publisher import MANY, publisher
from tests.bench.readers import browsers
from tests.bench.redis_side import RedisSide
from tests.bench.report import HEAD, Results, line
from tests.bench.rounds import Bench, Rounds
from tests.bench.rows import ROWS, Row

ROUNDS, SECONDS = 5, 3
OUTAGE, FOOTPRINT = "outage", "footprint"
NAMES = (*(row.name for row in ROWS), OUTAGE, FOOTPRINT)
LIMIT_S = 900.0  # for a default run; more rounds, seconds or events have more


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure, how often, and how long each."""

    names: tuple[str, ...]
    rounds: int
    seconds: int
    queued: int = QUEUED

    @property
    def rows(self) -> list[Row]:
        """The rows among them."""
        return [row for row in ROWS if row.name in self.names]

    @property
    def limit_s(self) -> float:
        """The time after which something must be wrong."""
        dose = max(1, self.seconds / SECONDS, self.queued / QUEUED)
        return LIMIT_S * max(1, self.rounds / ROUNDS) * dose


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; not 0 when anything went wrong on the way."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--rounds", type=_positive, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument("--seconds", type=_positive, default=SECONDS, help=f"default {SECONDS}")
    parser.add_argument("--only", type=_names, default=NAMES, help=f"some of {','.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write all figures there too")
    parser.add_argument(
        "--queued", type=_positive, default=QUEUED, metavar="EVENTS",
        help=f"what an outage leaves behind each time; default {QUEUED:,}",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    queued = ceil(options.queued / EVENTS) * EVENTS
    wanted = Wanted(options.only, options.rounds, options.seconds, queued)
    try:
        results = asyncio.run(_bounded(wanted))
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
    rounds, outages_found = None, None
    if wanted.rows or OUTAGE in wanted.names:
        server, load = two_cores()
        known["cores used"] = f"{server} server; {load} wrk and the engine (AOF, everysec)"
        known["rounds"] = f"{wanted.rounds} of {wanted.seconds} s each side of each row"
        rounds, outages_found = await _loaded(directory, wanted, server)
    known["stolen by the hypervisor"] = f"{steal_s() - stolen:.1f} s"
    return Results(known, rounds, light, outages_found)


async def _loaded(
    directory: Path, wanted: Wanted, core: int
) -> tuple[Rounds | None, list[Outage] | None]:
    script, audience, rows = write_script(directory), browsers(), wanted.rows
    rounds = found = None
    async with engine.running(directory / "redis") as redis:
        measured_with = publisher(directory)
        crowds = None
        if any(row.many for row in rows):
            crowds = (
                publisher(directory / "many", MANY, choosy=True),
                publisher(directory / "few", choosy=True),
            )
        bench = Bench(
            directory, script, measured_with, audience, RedisSide(redis.url), core,
            wanted.seconds, crowds,
        )  # fmt: skip
        if rows:
            _say(f"round  {HEAD}")
            rounds = await bench.run(rows, wanted.rounds, _tell)
        if OUTAGE in wanted.names:
            found = await outages(bench, wanted.queued, wanted.rounds)
    return rounds, found


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
