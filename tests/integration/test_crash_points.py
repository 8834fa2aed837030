"""A service that ends at the worst moments: what it acknowledged is counted once all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.adapters.crash_points import EXIT_CODE, VARIABLE, CrashPoint, armed, never
from service.adapters.embedded_engine import tied_to_parent
from service.adapters.key_file import create_key_file
from service.domain.errors import BadConfiguration
from tests.serving import Serving, serving
from tests.torture.ledger import Load, Pace
from tests.torture.oracle import audit

CRASH_S = 30.0
PACE = Pace(rate=3_000, repeat_within_s=1.0, timeout_s=5.0, trust_redirects=False)
SMALL = ("--journal-max", "1MiB")  # so that applied rows are deleted within a second or two


class Home:
    """A data directory and its Redis, over which one process after the other lives and dies."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.keys = directory / "keys"
        self._flags = ("--keys", str(self.keys), "--redis-url", redis_url)
        self._data = directory / "data"
        create_key_file(self.keys)

    @asynccontextmanager
    async def service(self, load: Load, *flags: str, fault: str = "") -> AsyncIterator[Serving]:
        """Run the service under load until the block ends."""
        async with serving(
            self._data, *self._flags, *flags,
            environ={VARIABLE: fault}, prefix=tied_to_parent(()),
        ) as service:  # fmt: skip
            load.move_to(service.public)
            try:
                yield service
            finally:
                load.move_to()


@pytest.mark.parametrize(
    ("point", "occurrences", "flags"),
    [
        (CrashPoint.AFTER_COMMIT, (1, 2, 40), ()),
        (CrashPoint.BEFORE_ANSWER, (1, 2, 40), ()),
        (CrashPoint.AFTER_APPLY, (1, 2, 40), ()),
        (CrashPoint.BEFORE_DELETE, (1, 2), SMALL),
    ],
)
async def test_a_crash_at_any_point_loses_and_doubles_nothing(
    tmp_path: Path, redis_url: str, point: CrashPoint, occurrences: tuple[int, ...],
    flags: tuple[str, ...],
) -> None:  # fmt: skip
    home = Home(tmp_path, redis_url)
    async with Load(home.keys, pace=PACE) as load:
        for occurrence in occurrences:
            async with home.service(load, *flags, fault=f"{point}:{occurrence}") as service:
                async with load.flowing():
                    code = await asyncio.wait_for(service.process.wait(), CRASH_S)
                assert code == EXIT_CODE
        async with home.service(load, *flags) as service:
            await load.settle()
            account = await audit(load, service.internal, redis_url=redis_url)
    assert account.sound, account
    assert account.acked > 0


def test_without_a_fault_no_point_ends_anything() -> None:
    assert armed("") is never
    for point in CrashPoint:
        never(point)


def test_a_fault_waits_for_its_point_and_its_turn() -> None:
    reached = armed("after-commit:3")
    for point in (*CrashPoint, CrashPoint.AFTER_COMMIT):
        reached(point)


@pytest.mark.parametrize(
    "fault",
    ["after-commit", "after-commit:0", "nowhere:1", "after-commit:1:stop", "after-commit:x"],
)
def test_a_fault_that_makes_no_sense_starts_nothing(fault: str) -> None:
    with pytest.raises(BadConfiguration, match=f"{VARIABLE}.*before-commit, after-commit"):
        armed(fault)
