"""Arms are compared with what they were made to be compared with, and by valid events only."""

from service.domain.arms import arms, gains
from service.domain.folding import Key
from service.domain.overview import Figures
from service.domain.rates import Gain, Rate


def test_arms_are_of_valid_events_and_each_has_its_own_to_be_judged_by() -> None:
    shown = {"-": (900, 18), "guard": (100, 1), "b": (50, 2), "a": (60, 1)}
    sums: dict[Key, int] = {("hold", "valid", "impression"): 7, ("guard", "bot", "click"): 99}
    for arm, (viewable, clicks) in shown.items():
        sums |= {(arm, "valid", "viewable"): viewable, (arm, "valid", "click"): clicks}
    found = arms(sums)
    assert list(found) == ["-", "guard", "a", "b", "hold"]
    assert found["hold"] == Figures(impressions=7)
    assert gains(found) == {
        "-": ("guard", Gain(Rate(18, 900), Rate(1, 100))),
        "b": ("a", Gain(Rate(2, 50), Rate(1, 60))),
    }
    assert gains({name: found[name] for name in ("-", "b", "hold")}) == {}
