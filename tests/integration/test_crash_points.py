"""A service that ends at the worst moments: what it acknowledged is counted once all the same."""

import asyncio
from pathlib import Path

import pytest

from service.adapters.crash_points import EXIT_CODE, VARIABLE, CrashPoint, armed, never
from service.domain.errors import BadConfiguration
from tests.torture.ledger import Load, Pace
from tests.torture.lives import Lives
from tests.torture.oracle import audit

CRASH_S = 30.0
PACE = Pace(rate=3_000, repeat_within_s=1.0, timeout_s=5.0, trust_redirects=False)
SMALL = ("--journal-max", "1MiB")  # so that applied rows are deleted within a second or two


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
    lives = Lives(tmp_path, redis_url)
    async with Load(lives.keys, pace=PACE) as load:
        for occurrence in occurrences:
            async with lives.life(load, *flags, fault=f"{point}:{occurrence}") as service:
                async with load.flowing():
                    code = await asyncio.wait_for(service.process.wait(), CRASH_S)
                assert code == EXIT_CODE
        async with lives.life(load, *flags) as service:
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
