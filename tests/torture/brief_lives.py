"""Asks services to stop as they announce themselves and before, readers at the door all the while.

`python -m tests.torture.brief_lives --times 50`; exit code 1 when one hangs, ends with anything
but 0, or an acknowledged event is lost or counted twice. The short form is `test_shutdown.py`.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from service.adapters.engine_program import tied_to_parent
from tests.counted import free_port
from tests.serving import announced, launched
from tests.torture.ledger import Pace
from tests.torture.oracle import Account
from tests.torture.redis_process import redis_running
from tests.torture.scene import Scene, scene

HOST = "127.0.0.1"
BRISK = Pace(repeat_within_s=0.3)
WAIT_S = 60.0
HANGS_S = 25.0  # running requests, the rest of the journal and the engine have less
POLL_S = 0.001
OFTEN_S = 0.003
_CAUGHT = "SigCgt"
_ITS_BIT = 1 << (signal.SIGTERM - 1)


@dataclass
class Outcome:
    """How the lives ended, by moment and exit code (-1000: it hung), and what became of events."""

    ends: Counter[tuple[str, int]] = field(default_factory=Counter)
    longest_s: float = 0.0
    served: int = 0
    account: Account = field(default_factory=Account)

    @property
    def sound(self) -> bool:
        """Whether each ended well and nothing is lost or double."""
        return self.account.sound and all(code == 0 for _, code in self.ends)

    def __str__(self) -> str:
        a = self.account
        ends = ", ".join(f"{n} {moment}: {code}" for (moment, code), n in self.ends.items())
        text = (
            f"exit codes {ends}; {self.longest_s:.1f} s at most to end; acked {a.acked:,}, "
            f"{self.served:,} of them by these, lost {a.lost}, double {a.double}"
        )
        return "\n".join((text, *a.strange))


async def brief_lives(home: Path, times: int, *, embedded: bool = False) -> Outcome:
    """End so many services before they announce themselves, and twice as many directly after."""
    outcome, chance = Outcome(), random.Random(times)
    async with AsyncExitStack() as stack:
        redis = None if embedded else await stack.enter_async_context(redis_running())
        url = redis.url if redis else None
        it = await stack.enter_async_context(scene(home, url, services=0, pace=BRISK))
        lives = _Lives(it, url, outcome)
        async with it.load.flowing():
            for _ in range(times):
                await lives.one("after", delay_s=None)
                await lives.one("often", delay_s=None, often=True)
                # Some of it lies after: starts are not all alike.
                await lives.one("before", delay_s=lives.quickest_s * chance.uniform(0.0, 1.1))
        outcome.served = it.load.acked
        it.load.move_to()
        await it.serve()
        outcome.account = await it.account(WAIT_S)
    return outcome


class _Lives:
    """Services one after another over one directory, at one address that readers know already."""

    def __init__(self, it: Scene, redis_url: str | None, outcome: Outcome) -> None:
        port = free_port()
        it.load.move_to(f"http://{HOST}:{port}")
        self._data = it.home / "data"
        redis = () if redis_url is None else ("--redis-url", redis_url)
        self._flags = ("--keys", str(it.keys), "--public", f"{HOST}:{port}", *redis)
        self._outcome = outcome
        self.quickest_s = 10.0  # from where it hears signals until it announces itself

    async def one(self, moment: str, *, delay_s: float | None, often: bool = False) -> None:
        """Run one and ask it to stop: so long after it hears signals, or when it is announced.

        Once, or over and over until it is gone.
        """
        loop = asyncio.get_running_loop()
        async with launched(self._data, *self._flags, prefix=tied_to_parent(())) as starting:
            process, _ = starting
            async with asyncio.timeout(HANGS_S):
                while not _hears(process):
                    await asyncio.sleep(POLL_S)
            heard = loop.time()
            if delay_s is None:
                await announced(*starting)
                self.quickest_s = min(self.quickest_s, loop.time() - heard)
            else:
                await asyncio.sleep(delay_s)
            asked = loop.time()
            process.send_signal(signal.SIGTERM)
            while often and process.returncode is None and loop.time() - asked < HANGS_S:
                await asyncio.sleep(OFTEN_S)
                with suppress(ProcessLookupError):
                    # Not `send_signal`, which may reap it, and then nobody knows its exit code.
                    os.kill(process.pid, signal.SIGTERM)
            try:
                code = await asyncio.wait_for(process.wait(), HANGS_S)
            except TimeoutError:
                code = -1_000
            self._outcome.ends[moment, code] += 1
            self._outcome.longest_s = max(self._outcome.longest_s, loop.time() - asked)


def _hears(process: Process) -> bool:
    """Say whether the signal would reach a handler; before, it ends any process on the spot."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        name, _, mask = line.partition(":")
        if name == _CAUGHT:
            return bool(int(mask, 16) & _ITS_BIT)
    return False


def main(arguments: list[str]) -> int:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture.brief_lives", description=__doc__
    )
    parser.add_argument("--times", type=int, default=50, help="services at each moment")
    parser.add_argument("--embedded", action="store_true", help="each with an engine of its own")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hb-soak-") as home:
        outcome = asyncio.run(brief_lives(Path(home), given.times, embedded=given.embedded))
    sys.stdout.write(f"{outcome}\n")
    return 0 if outcome.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
