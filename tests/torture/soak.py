"""Breaks one thing over and over under load, then holds every event to account.

`python -m tests.torture.soak --fault redis-kill` and so on; exit code 1 on any loss or double.
The short forms run in the test suite.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.ledger import Pace
from tests.torture.oracle import Account, scraped
from tests.torture.proxy import Fault, proxied
from tests.torture.redis_process import Keeps, redis_running
from tests.torture.scene import Scene, scene

LOST = Fault(lost=0.1)
WAIT_S = 120.0
REPEAT_S = 5.0  # in the long form, so that repetitions come over several faults


@dataclass(frozen=True, slots=True)
class Dose:
    """How much of it: kills or seconds (`times`), events in all (`events`), new events a second.

    A fifth of what is acknowledged is repeated within `repeat_within_s`.
    """

    times: int = 10
    events: int = 20_000
    rate: float = 1_000.0
    keeps: Keeps = Keeps.EVERYTHING
    repeat_within_s: float = 1.0


@dataclass
class Outcome:
    """The account, how often the fault came, and what readers saw of it."""

    account: Account
    faults: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    rollbacks: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        a = self.account
        text = (
            f"acked {a.acked:,} of {a.offered:,} offered, counted {a.counted:,}, "
            f"lost {a.lost}, double {a.double}, never offered but counted {a.invented}, "
            f"errors to readers {sum(self.errors.values())} {self.errors or ''}; "
            f"{self.faults} faults, Redis went back {self.rollbacks} times, {self.seconds:.0f} s"
        )
        return "\n".join((text, *a.strange))


async def redis_kill(home: Path, dose: Dose) -> Outcome:
    """Kill Redis under load, some events later start it again over what it kept."""
    chance = random.Random(dose.times)
    async with redis_running(dose.keeps) as redis, scene(home, redis.url, pace=_pace(dose)) as it:
        async with it.load.flowing():
            for _ in range(dose.times):
                await it.load.more(int(dose.rate * chance.uniform(0.2, 0.8)))
                await redis.kill()
                await it.load.more(int(dose.rate * chance.uniform(0.0, 0.3)))
                await redis.start()
        return await _outcome(it, dose.times)


async def service_kill(home: Path, dose: Dose) -> Outcome:
    """Kill the service under load and start another over the same data."""
    chance = random.Random(dose.times)
    async with redis_running(dose.keeps) as redis, scene(home, redis.url, pace=_pace(dose)) as it:
        async with it.load.flowing():
            for _ in range(dose.times):
                await it.load.more(int(dose.rate * chance.uniform(0.1, 0.5)))
                await it.kill(it.services[0])
                await it.serve()
        return await _outcome(it, dose.times)


async def reply_loss(home: Path, dose: Dose) -> Outcome:
    """Lose a tenth of Redis' replies after it did what was asked."""
    async with (
        redis_running(dose.keeps) as redis,
        proxied(redis.url, redis.directory / "p.sock") as proxy,
        scene(home, proxy.url, pace=_pace(dose)) as it,
    ):
        proxy.fault = LOST
        await it.load.offer(dose.events)
        proxy.fault = Fault()
        return await _outcome(it, proxy.hits)


async def redis_stopped(home: Path, dose: Dose) -> Outcome:
    """Stop Redis' process for some seconds, its connections open, and let it go on."""
    async with redis_running(dose.keeps) as redis, scene(home, redis.url, pace=_pace(dose)) as it:
        async with it.load.flowing():
            await it.load.more(int(dose.rate))
            redis.hang()
            await asyncio.sleep(dose.times)  # the fault itself
            redis.go_on()
            await it.load.more(int(dose.rate))
        return await _outcome(it, 1)


FAULTS: dict[str, Callable[[Path, Dose], Awaitable[Outcome]]] = {
    "redis-kill": redis_kill,
    "service-kill": service_kill,
    "reply-loss": reply_loss,
    "redis-stopped": redis_stopped,
}


def _pace(dose: Dose) -> Pace:
    return Pace(rate=dose.rate, repeat_within_s=dose.repeat_within_s)


async def _outcome(it: Scene, faults: int) -> Outcome:
    account = await it.account(WAIT_S)
    rollbacks = sum(
        [(await scraped(s.internal))["handbill_redis_rollbacks_total"] for s in it.services]
    )
    return Outcome(account, faults, dict(it.load.told.errors), int(rollbacks))


def main(arguments: list[str]) -> int:
    """Run one fault and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--fault", choices=FAULTS, required=True)
    parser.add_argument("--times", type=int, default=100, help="kills, or seconds of being stopped")
    parser.add_argument("--events", type=int, default=200_000, help="events under reply-loss")
    parser.add_argument("--rate", type=float, default=1_000.0, help="new events a second")
    parser.add_argument("--keeps", choices=[k.name.lower() for k in Keeps], default="everything")
    given = parser.parse_args(arguments)
    dose = Dose(given.times, given.events, given.rate, Keeps[given.keeps.upper()], REPEAT_S)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hb-soak-") as home:
        outcome = asyncio.run(_run(given.fault, Path(home), dose))
    outcome.seconds = time.monotonic() - began
    sys.stdout.write(f"{given.fault}: {outcome}\n")
    return 0 if outcome.account.sound else 1


async def _run(fault: str, home: Path, dose: Dose) -> Outcome:
    return await FAULTS[fault](home, dose)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
