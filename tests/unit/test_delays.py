"""Mean delays follow what arrives, of the kinds that budgets count and of no other."""

import pytest

from service.domain.delays import Delays


@pytest.mark.parametrize("kind", ["impression", "click"])
def test_the_mean_comes_to_what_arrives(kind: str) -> None:
    delays = Delays()
    for _ in range(1_000):
        delays.note(kind, 90_000)
    assert delays.mean_s(kind) == pytest.approx(90, rel=0.01)


def test_another_clock_that_runs_ahead_makes_no_delay_negative() -> None:
    delays = Delays()
    for _ in range(2_000):
        delays.note("impression", -60_000)
    assert 0.0 <= delays.mean_s("impression") < 0.1


def test_kinds_that_no_budget_counts_have_none() -> None:
    delays = Delays()
    delays.note("view", 90_000)
    assert delays.mean_s("view") == 0.0
