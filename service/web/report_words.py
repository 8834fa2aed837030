"""The words and numbers of the reports page, for people who do not read code; looks nothing up."""

from datetime import date

from service.domain.folding import Rate

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
