"""Long work beside requests rests between slices, and what it makes is left to itself."""

import asyncio
import gc

import pytest

from service.flows import unhurried as module
from service.flows.lasting import lasting
from service.flows.unhurried import unhurried


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the rests that are taken, with every slice over at once."""
    taken: list[float] = []
    monkeypatch.setattr(module, "SLICE_S", 0.0)
    monkeypatch.setattr("service.flows.unhurried.time.sleep", taken.append)
    return taken


async def test_in_a_thread_it_rests_between_slices_and_changes_nothing(rests: list[float]) -> None:
    assert await asyncio.to_thread(lambda: list(unhurried("abc"))) == ["a", "b", "c"]
    assert rests == [module.REST_S] * 3


def test_in_the_main_thread_nobody_waits_for_it(rests: list[float]) -> None:
    assert list(unhurried("abc")) == ["a", "b", "c"]
    assert rests == []


def test_a_slice_that_is_not_over_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "current_thread", lambda: None)
    monkeypatch.setattr(module, "SLICE_S", 60.0)
    assert list(unhurried(range(1_000))) == list(range(1_000))


def test_what_is_made_to_last_is_never_looked_through_for_garbage() -> None:
    before = gc.get_freeze_count()
    try:
        with lasting():
            assert not gc.isenabled()
            made = [[] for _ in range(1_000)]  # type: list[list[int]]
        assert gc.isenabled()
        assert gc.get_freeze_count() >= before + len(made)
        with pytest.raises(KeyError), lasting():
            raise KeyError
        assert gc.isenabled()
    finally:
        gc.unfreeze()
