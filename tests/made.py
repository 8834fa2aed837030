"""Events and rows made up for tests, such as the recorder and the journal would make."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

from service.domain.events import HOUR_MS, UNUSED, Event, Kind, Verdict, bit_of, shard_of
from service.domain.names import creative_name
from service.domain.rows import StoredRow, rows_of

HOUR = int(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp()) // 3_600
ISSUER = 3
SHARD = shard_of(ISSUER, 0)  # of the first 65,536 tokens; the next are counted in the next shard
SITE = "example"
JOURNAL, OTHER_JOURNAL = "a1" * 16, "b2" * 16
ARTICLE = "00ff00ff00ff00ff"
NETWORK, NETWORK_CODE = "facebook", 1
PLACEMENTS = ("top", "bottom", "side", "end")
_OF_PAGE = frozenset({Kind.VIEW, Kind.SHARE, Kind.OPEN})


def hour_of(year: int, month: int, day: int, hour: int = 0) -> int:
    """Return the hours since the epoch of a UTC hour."""
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) // 3_600


def event(
    kind: Kind = Kind.VIEW, serial: int = 0, *, hour: int = HOUR, verdict: str = Verdict.VALID,
    article: str = ARTICLE, position: int = 0,
) -> Event:  # fmt: skip
    """Return what became of one thing a reader did on the page view of this number."""
    shard = shard_of(ISSUER, serial)
    network = NETWORK if kind is Kind.SHARE else UNUSED
    what = "-|-|-" if kind in _OF_PAGE else f"{PLACEMENTS[position]}|vital-signs|vs-text"
    field = f"{SITE}|{what}|ios|-|-|{kind}|{network}"
    if verdict != Verdict.VALID:
        return Event(hour, shard, field, verdict)
    bit = bit_of(kind, NETWORK_CODE if kind is Kind.SHARE else position)
    pace = None if kind in _OF_PAGE else f"vs-text|{PLACEMENTS[position]}|ios|-|{kind}"
    title = (f"a:{article}", f"https://news.example/{article}\nTitle {serial}")
    return Event(
        hour, shard, field, verdict, 1,
        (ISSUER, serial >> 16, (serial & 0xFFFF) * 32 + bit),
        f"{SITE}|{article}|-|{kind}|{network}",
        pace,
        (title if kind is Kind.VIEW else creative_name(0xC0DE, "vital-signs", "vs-text"),),
    )  # fmt: skip


def page(serial: int, *, hour: int = HOUR) -> list[Event]:
    """Return the events of a page view that was read through: four, each counted once."""
    kinds = (Kind.VIEW, Kind.IMPRESSION, Kind.VIEWABLE, Kind.CLICK)
    return [event(kind, serial, hour=hour) for kind in kinds]


def of_site(site: str, event: Event) -> Event:
    """Return the same event on another site."""
    article = event.article and event.article.replace(SITE, site, 1)
    return event._replace(field=event.field.replace(SITE, site, 1), article=article)


def stored(*commits: Sequence[Event], after: int = 0) -> list[StoredRow]:
    """Return the rows of commits, numbered on from `after`."""
    rows = [row for events in commits for row in rows_of(events, events[0].hour * HOUR_MS)]
    return [
        StoredRow(number, row.total, row.made_ms, row) for number, row in enumerate(rows, after + 1)
    ]


def damaged(number: int, total: int) -> StoredRow:
    """Return a row that cannot be read any more."""
    return StoredRow(number, total, HOUR * HOUR_MS, None)


def any_event(draw: random.Random) -> Event:
    """Return an event of few pages, articles, hours and sites, so that everything collides."""
    verdict = Verdict.VALID if draw.random() < 0.8 else draw.choice([*Verdict])
    made = event(
        draw.choice([Kind.VIEW, Kind.IMPRESSION, Kind.CLICK, Kind.SHARE]),
        draw.randrange(12),
        hour=HOUR + draw.randrange(-12, 13),
        verdict=verdict,
        article=f"{draw.randrange(8):016x}",
        position=draw.randrange(2),
    )
    return of_site("rival", made) if draw.random() < 0.3 else made
