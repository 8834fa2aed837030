"""The figures of a site's arms, and how they do against each other; divides no page views."""

from collections.abc import Mapping

from service.domain.events import UNUSED, Verdict
from service.domain.folding import HOLD, Key
from service.domain.overview import Figures, figures, named
from service.domain.rates import Gain

GUARD = "guard"
_VALID = str(Verdict.VALID)


def arms(verdicts: Mapping[Key, int]) -> dict[str, Figures]:
    """Make a site's figures by arm of sums by (arm, verdict, kind); guard before experiments."""
    valid: dict[Key, int] = {
        (arm, kind): n for (arm, verdict, kind), n in verdicts.items() if verdict == _VALID
    }
    found = named(figures(valid), unused=True)
    ends = {UNUSED: 0, GUARD: 1, HOLD: 3}
    return {name: found[name] for name in sorted(found, key=lambda one: (ends.get(one, 2), one))}


def gains(found: Mapping[str, Figures]) -> dict[str, tuple[str, Gain]]:
    """Return which arm each one is judged against, and by how much its click-through is above it.

    What was learned is judged against the guard, which keeps to the configured weights; arms of an
    experiment against its first.
    """
    letters = [name for name in found if name not in {UNUSED, GUARD, HOLD}]
    bases = {UNUSED: GUARD, **dict.fromkeys(letters[1:], letters[0] if letters else "")}
    return {
        name: (base, Gain(found[name].click_through, found[base].click_through))
        for name, base in bases.items()
        if name in found and base in found
    }
