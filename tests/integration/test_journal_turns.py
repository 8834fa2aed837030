"""Very many dead processes' journals: each gets its turn, and none is deleted before its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from service.adapters import journal as journal_module
from service.adapters import journal_shelf
from service.domain.events import Verdict
from service.flows.accounts import Accounts
from service.flows.ship import Shipper, Timing
from service.telemetry.metrics import Metrics
from tests.integration.test_journal_adoption import acknowledging
from tests.journals import NOW_MS, Kept, crashed, logging_to, opened, ticking, views
from tests.made import SHARD
from tests.model_counts import ModelCounts

HELD_MAX = 3
DEAD = 7
PLACES = HELD_MAX - 1  # beside the one that is written
SOON_S = 20.0


@pytest.fixture(autouse=True)
def few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_shelf, "HELD_MAX", HELD_MAX)


@pytest.fixture
async def directory(tmp_path: Path) -> Path:
    """Return a directory of journals, a row each."""
    journals = tmp_path / "journals"
    for number in range(DEAD):
        async with opened(journals) as made:
            await made.take(*views(number, 1))
    return journals


async def held(made: Kept) -> set[str]:
    """Return the journals of others that are held."""
    return {*await made.journal.held()} - {made.id}


async def applied(made: Kept) -> None:
    """Have Redis know all rows of all that are held."""
    for journal in await held(made):
        await made.journal.covered(journal, SHARD, 1)


def on_shelf(directory: Path) -> set[str]:
    return {path.stem for path in directory.glob("*.db")}


async def test_what_redis_has_makes_way_until_all_have_been_looked_at(directory: Path) -> None:
    dead = on_shelf(directory)
    async with opened(directory) as made:
        seen = await held(made)
        while len(seen) < DEAD:
            await applied(made)
            await made.journal._adopt()
            assert not seen & await held(made)
            assert len(await held(made)) == min(PLACES, DEAD - len(seen))
            seen |= await held(made)
        assert seen == dead
        assert on_shelf(directory) == {*dead, made.id}


async def test_what_redis_may_not_have_makes_way_for_none(directory: Path) -> None:
    async with opened(directory) as made:
        first = await held(made)
        back, *_ = first
        await made.journal.covered(back, SHARD, 1)
        await made.journal.covered(back, SHARD, 0)  # Redis went back
        await made.journal._adopt()
        assert await held(made) == first


async def test_when_all_were_looked_at_what_is_held_stays_for_its_time(tmp_path: Path) -> None:
    for number in range(PLACES):
        async with opened(tmp_path) as made:
            await made.take(*views(number, 1))
    with acknowledging(tmp_path):  # of the living one nothing is wanted
        async with opened(tmp_path) as made:
            first = await held(made)
            await applied(made)
            await made.journal._adopt()
            assert await held(made) == first


async def test_processes_that_live_for_a_moment_do_not_all_look_at_the_same(
    directory: Path,
) -> None:
    seen: set[str] = set()
    for _ in range(DEAD):
        async with opened(directory) as made:
            seen |= await held(made)
            directory = crashed(directory)
    assert len(seen) == DEAD


@asynccontextmanager
async def shipping(made: Kept, redis: ModelCounts, retained_s: float) -> AsyncIterator[None]:
    """Ship from a real journal until the block ends."""
    shipper = Shipper(
        made.journal, made.journal, redis,
        accounts=Accounts(Metrics(CollectorRegistry()), logging_to(LogCapture())),
        clock=lambda: NOW_MS, timing=Timing(marks_every_s=0.02, retained_s=retained_s),
    )  # fmt: skip
    running = asyncio.create_task(shipper.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def counted(redis: ModelCounts, number: int) -> None:
    async with asyncio.timeout(SOON_S):
        while redis.totals()[Verdict.VALID] != number:
            await asyncio.sleep(0.01)


async def test_all_are_counted_and_counted_again_after_redis_went_back_and_go_in_the_end(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "TICK_S", 0.005)
    redis = ModelCounts()
    async with opened(directory) as made, ticking(made):
        async with shipping(made, redis, retained_s=60.0):
            await counted(redis, DEAD)
            assert len(on_shelf(directory)) == DEAD + 1
        redis.wipe()
        async with shipping(made, redis, retained_s=0.5):
            await counted(redis, DEAD)
            async with asyncio.timeout(SOON_S):
                while on_shelf(directory) != {made.id}:
                    await asyncio.sleep(0.01)
        assert redis.totals() == {Verdict.VALID: DEAD}
