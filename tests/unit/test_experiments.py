"""Arms are dealt by salt, article and hour: everywhere the same, in the shares asked for."""

from collections import Counter

import pytest

from service.domain.experiments import arm_of
from service.domain.sites import Experiment
from service.domain.tokens import Arm

SPLIT = Experiment("s", 0.1, {"a": 0.3, "b": 0.6})
PAGES = [(n.to_bytes(8, "big"), 490_000 + n % 50) for n in range(20_000)]


def test_without_an_experiment_nobody_is_in_an_arm() -> None:
    assert {arm_of(Experiment(), *page) for page in PAGES[:100]} == {Arm.NONE}


def test_the_shares_are_what_was_asked_for() -> None:
    found = Counter(arm_of(SPLIT, *page) for page in PAGES)
    for arm, share in ((Arm.HOLD, 0.1), (Arm.A, 0.3), (Arm.B, 0.6)):
        # The deal is fixed, so this cannot flake; 2 % is five standard deviations.
        assert abs(found[arm] / len(PAGES) - share) < 0.02
    assert found.keys() == {Arm.HOLD, Arm.A, Arm.B}


def test_shares_below_one_leave_the_rest_alone() -> None:
    found = Counter(arm_of(Experiment("s", 0.0, {"a": 0.5}), *page) for page in PAGES)
    assert abs(found[Arm.NONE] / len(PAGES) - 0.5) < 0.02


@pytest.mark.parametrize("other", [Experiment("t", 0.1, {"a": 0.3, "b": 0.6})])
def test_another_salt_deals_anew_and_the_same_one_does_not(other: Experiment) -> None:
    again = Experiment("s", 0.1, {"a": 0.3, "b": 0.6})
    assert all(arm_of(SPLIT, *page) is arm_of(again, *page) for page in PAGES[:500])
    differing = sum(arm_of(SPLIT, *page) is not arm_of(other, *page) for page in PAGES[:500])
    assert differing > 100


def test_an_article_changes_arms_with_the_hour() -> None:
    arms = {arm_of(SPLIT, b"articleX", hour) for hour in range(490_000, 490_100)}
    assert arms == {Arm.HOLD, Arm.A, Arm.B}
