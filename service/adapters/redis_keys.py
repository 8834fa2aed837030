"""Every Redis key name and how long it lives, in one place; talks to nothing.

`NN` is the shard; the braces make it the hash tag, so one shard lives in one Cluster slot.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

HASH, SET, BITMAP = "hash", "set", "string"  # as TYPE says
DAY_S = 86_400
SEEN_LIFE_S = 96 * 3_600  # after the last write: longer than any countable token plus outage
HOUR_LIFE_S = 100 * DAY_S
LONG_LIFE_S = 400 * DAY_S


class Bounds(NamedTuple):
    """What a shard's keys hold at most, whatever strangers name."""

    articles: int = 10_000  # per site and day; the rest count as `other`
    names: int = 100_000  # per month; the rest stay codes


BOUNDS = Bounds()


def applied(shard: int) -> str:
    """Hash: journal id to last applied row; a field is deleted with its journal."""
    return f"hb:{{{shard:02}}}:applied"


def seen(shard: int, issuer: int, chunk: int) -> str:
    """Bitmap: 65,536 tokens of 32 bits; lives `SEEN_LIFE_S` after its last write."""
    return f"hb:{{{shard:02}}}:seen:{issuer}:{chunk}"


def hour(shard: int, hour_since_epoch: int) -> str:
    """Hash: field and verdict to count, per UTC hour; lives 100 days."""
    return f"hb:{{{shard:02}}}:hour:{_utc(hour_since_epoch):%Y%m%d%H}"


def day(shard: int, hour_since_epoch: int) -> str:
    """Hash: the same per UTC day; lives 400 days."""
    return f"hb:{{{shard:02}}}:day:{_utc(hour_since_epoch):%Y%m%d}"


def articles(shard: int, hour_since_epoch: int) -> str:
    """Hash: `site|article|source|kind|network` to count, valid only; lives 400 days."""
    return f"hb:{{{shard:02}}}:articles:{_utc(hour_since_epoch):%Y%m%d}"


def known(shard: int, site: str, hour_since_epoch: int) -> str:
    """Set: a site's articles of a UTC day, to bound them; lives `SEEN_LIFE_S` after a write."""
    return f"hb:{{{shard:02}}}:known:{site}:{_utc(hour_since_epoch):%Y%m%d}"


def names(shard: int, hour_since_epoch: int) -> str:
    """Hash: article id to address and title, creative code to ids; lives 400 days."""
    return f"hb:{{{shard:02}}}:names:{_utc(hour_since_epoch):%Y%m}"


def pace(shard: int, hour_since_epoch: int) -> str:
    """Hash: `creative|placement|platform|arm|kind` to count, valid only; lives 400 days."""
    return f"hb:{{{shard:02}}}:pace:{_utc(hour_since_epoch):%Y%m%d%H}"


class HashKey(NamedTuple):
    """A hash per span of time: its name by shard and hour, and its life."""

    name: Callable[[int, int], str]
    life_s: int


HASHES = {
    "hour": HashKey(hour, HOUR_LIFE_S),
    "day": HashKey(day, LONG_LIFE_S),
    "articles": HashKey(articles, LONG_LIFE_S),
    "names": HashKey(names, LONG_LIFE_S),
    "pace": HashKey(pace, LONG_LIFE_S),
}


def _utc(hour_since_epoch: int) -> datetime:
    return datetime.fromtimestamp(hour_since_epoch * 3_600, UTC)
