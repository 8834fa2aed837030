"""The words and numbers of the reports page, for people who do not read code; looks nothing up."""

from collections.abc import Mapping
from datetime import date

from service.domain.arms import gains
from service.domain.overview import Figures
from service.domain.rates import Gain, Rate

_PER_CENT = 100
_MEANINGS = {
    "forged": ("Forged", "The event carried no token that this service ever signed."),
    "preview": ("Preview", "An editor looked at a promotion before it ran."),
    "prefetch": ("Prefetch", "A browser fetched the page in advance; nobody had opened it yet."),
    "bot": ("Robot", "A crawler or another program that says it is none of your readers."),
    "expired": ("Expired", "The page had been open for longer than such an event can count."),
    "wrong_site": ("Wrong site", "The event came from a page of another site, such as a copy."),
    "mismatch": ("Mismatch", "It named something that this page view had not been offered."),
    "too_fast": ("Too fast", "It came sooner after the page began than a person can act."),
    "rate_limited": ("Rate limited", "One address sent more events in a minute than people do."),
    "duplicate": ("Duplicate", "The same page view had already counted this once."),
    "refused": ("Refused", "The journal was full or failing, so the event was not accepted."),
}

_ARMS = {
    "-": ("Optimised", "Creatives by what was learned, where something was."),
    "guard": ("Guard", "Creatives by the configured weights, whatever was learned."),
    "hold": ("Holdout", "No promotion; what would have shown is counted as an impression."),
}


def long_day(day: date) -> str:
    """Return a date as it stands in prose."""
    return f"{day.day} {day:%B %Y}"


def meaning(reason: str) -> tuple[str, str]:
    """Return a verdict's name and one sentence that says what it means."""
    return _MEANINGS.get(reason, (reason, "A reason this version does not know."))


def shown_rate(rate: Rate) -> str:
    """Return a rate with as many digits as can mean something; a proportion as per cent."""
    value = rate.value
    if value is None:
        return "–"
    if rate.per != _PER_CENT:
        return f"{value:,.1f}"
    digits = 0 if value in {0, _PER_CENT} else 1 if value >= 10 else 2  # noqa: PLR2004  10 %
    return f"{value:,.{digits}f}\u00a0%"


def shown_interval(rate: Rate) -> str:
    """Return the 95 % interval of a proportion."""
    low, high = rate.interval() or (0.0, 0.0)
    return f"{low:.2f} to {high:.2f}\u00a0%"


def arm_lines(found: Mapping[str, Figures]) -> list[tuple[object, ...]]:
    """Return of each arm its name, what it sees and its figures, and how it compares.

    By how many per cent its click-through is above another's, the 95 % interval of that, and whose.
    """
    compared = {
        name: (*_shown_gain(gain), f"against {_arm(base)[0]}")
        for name, (base, gain) in gains(found).items()
    }
    nothing = ("", "", "")
    return [(*_arm(name), one, *compared.get(name, nothing)) for name, one in found.items()]


def _arm(name: str) -> tuple[str, str]:
    return _ARMS.get(name, (f"Arm {name.upper()}", "Creatives of this arm, and those of no arm."))


def _shown_gain(gain: Gain) -> tuple[str, str]:
    interval = gain.interval()
    if gain.value is None or interval is None:
        return "–", "too few clicks"
    low, high = interval
    return _signed(gain.value), f"{_signed(low)} to {_signed(high)}"


def _signed(per_cent: float) -> str:
    return f"{per_cent:+,.0f}\u00a0%".replace("-", "−")
