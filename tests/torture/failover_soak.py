"""Loses masters over and over under load, each with writes that its heir lacks; asks for accounts.

`python -m tests.torture.failover_soak sentinel|cluster --times 20`; exit code 1 on any loss or
double. The short forms are `tests/integration/test_sentinel.py` and `test_cluster.py`.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from service.domain.events import SHARDS
from tests.serving import Serving
from tests.torture.cluster import cluster
from tests.torture.ledger import Pace
from tests.torture.logs import complaints
from tests.torture.node import FailOver
from tests.torture.oracle import Account, scraped
from tests.torture.scene import Scene, scene
from tests.torture.sentinel import sentinels

CUT_S, CALM_S = 0.4, 1.0
WAIT_S = 180.0
MOVE_EVERY = 5
Fault = Callable[[Scene, int], Awaitable[FailOver]]


@dataclass
class Outcome:
    """The account, every fail-over, and what became of the one service that lived through all."""

    fail_overs: list[FailOver] = field(default_factory=list)
    moves_s: list[float] = field(default_factory=list)
    account: Account = field(default_factory=Account)
    errors: dict[str, int] = field(default_factory=dict)
    rollbacks: int = 0
    sockets: tuple[int, int] = (0, 0)
    complaints: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was lost or counted twice, and nothing strange was logged."""
        return self.account.sound and not self.complaints

    def __str__(self) -> str:
        a, took = self.account, sorted(one.seconds for one in self.fail_overs)
        missing = [one.missing for one in self.fail_overs]
        lines = [
            f"acked {a.acked:,} of {a.offered:,} offered, counted {a.counted:,}, lost {a.lost}, "
            f"double {a.double}, errors to readers {sum(self.errors.values())} {self.errors or ''}",
            f"{len(took)} fail-overs of {took[0]:.1f} / {median(took):.1f} / {took[-1]:.1f} s "
            "(least, median, most)",
            f"applied but missing on the heir: {sum(missing):,} events, "
            f"on {sum(count > 0 for count in missing)} of them; Redis went back "
            f"{self.rollbacks} times; sockets of the service: {self.sockets}",
        ]
        if self.moves_s:
            longest = max(self.moves_s)
            lines.append(f"{len(self.moves_s)} slots moved under load, {longest:.1f} s at most")
        return "\n".join((*lines, *a.strange, *self.complaints))


@asynccontextmanager
async def _sentinel(home: Path, _: Outcome) -> AsyncIterator[tuple[str, Fault]]:
    """Yield an address, and a fault that leaves a master of full strength behind."""
    async with sentinels(home / "redis") as redis:

        async def fault(it: Scene, _: int) -> FailOver:
            master = await redis.cut_off()
            await asyncio.sleep(CUT_S)
            done = await redis.fail_over(master)
            await it.load.more(1)
            await redis.bring_back()
            return done

        yield redis.url, fault


@asynccontextmanager
async def _cluster(home: Path, outcome: Outcome) -> AsyncIterator[tuple[str, Fault]]:
    """Yield the same; now and then a slot moves to a node without any, and back."""
    async with cluster(home / "redis") as redis:

        async def fault(it: Scene, number: int) -> FailOver:
            shard = number % SHARDS
            owner = await redis.cut_off(shard)
            await asyncio.sleep(CUT_S)
            done = await redis.fail_over(shard, owner)
            await redis.bring_back()
            if number % MOVE_EVERY == 0:
                owner = await redis.owner(shard)
                for target in (redis.spare, owner):
                    outcome.moves_s.append(await redis.move(shard, target, pause_s=0.2))
                    await it.load.more(1)
            return done

        yield redis.url, fault


KINDS = {"sentinel": _sentinel, "cluster": _cluster}


async def run(kind: str, home: Path, times: int, rate: float) -> Outcome:
    """Lose so many masters under load and return what came of it."""
    outcome = Outcome()
    (home / "home").mkdir()
    async with (
        KINDS[kind](home, outcome) as (url, fault),
        scene(home / "home", url, pace=Pace(rate=rate)) as it,
    ):
        (service,) = it.services
        async with it.load.flowing():
            await it.load.more(int(rate))
            before = _sockets(service)
            for number in range(times):
                await asyncio.sleep(CALM_S)
                outcome.fail_overs.append(await fault(it, number))
                _say(f"{number + 1:4} {outcome.fail_overs[-1]}")
        outcome.account = await it.account(WAIT_S)
        outcome.errors = dict(it.load.told.errors)
        found = await scraped(service.internal)
        outcome.rollbacks = int(found["handbill_redis_rollbacks_total"])
        outcome.sockets = before, _sockets(service)
        outcome.complaints = complaints(service)
    return outcome


def _sockets(service: Serving) -> int:
    """Return how many sockets a service has open; 0 where the system does not tell."""
    files = Path(f"/proc/{service.process.pid}/fd")
    links = [link.readlink() for link in files.iterdir()] if files.exists() else []
    return sum(str(link).startswith("socket:") for link in links)


def _say(text: str) -> None:
    """Tell a person how it goes; the results alone go to standard output."""
    sys.stderr.write(text + "\n")


def main(arguments: list[str]) -> int:
    """Run one kind and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture.failover_soak", description=__doc__
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--times", type=int, default=20, help="masters to lose")
    parser.add_argument("--rate", type=float, default=500.0, help="new events a second")
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hb-soak-") as home:
        outcome = asyncio.run(run(given.kind, Path(home), given.times, given.rate))
    sys.stdout.write(f"{given.kind}, {time.monotonic() - began:.0f} s\n{outcome}\n")
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
