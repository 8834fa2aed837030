"""What can happen to a page view, how it is judged, and how it is named in the counts.

Judging is a pure function of facts; whether a valid event is a duplicate only Redis knows.
"""

from enum import StrEnum
from typing import NamedTuple

HOUR_MS = 3_600_000
SKEW_MS = 60_000  # how far ahead another replica's clock may be
SHARDS = 16
CHUNK_TOKENS = 65_536
BITS_PER_TOKEN = 32
VIEWABLE_AFTER_MS = 1_000  # MRC: one continuous second
CLICK_AFTER_MS = 100
UNUSED = "-"
OTHER = "other"
RUNNER_UP = "runner-up"  # an arm that only the planner sees: budgets count it, learning does not
REFUSED = "refused"  # stands where a verdict does: counted as one sum, judged by nobody


class Kind(StrEnum):
    """What a reader (or, for `conversion`, an app's server) did."""

    VIEW = "view"
    IMPRESSION = "impression"
    VIEWABLE = "viewable"
    CLICK = "click"
    SHARE = "share"
    DISMISS = "dismiss"
    CONVERSION = "conversion"
    OPEN = "open"


class Verdict(StrEnum):
    """The traffic ledger's closed set, in the order in which the first that applies wins."""

    FORGED = "forged"
    PREVIEW = "preview"
    PREFETCH = "prefetch"
    BOT = "bot"
    EXPIRED = "expired"
    WRONG_SITE = "wrong_site"
    MISMATCH = "mismatch"
    TOO_FAST = "too_fast"
    RATE_LIMITED = "rate_limited"
    DUPLICATE = "duplicate"
    VALID = "valid"


LIFE_MS = {
    Kind.VIEW: 2 * HOUR_MS,
    Kind.IMPRESSION: 2 * HOUR_MS,
    Kind.VIEWABLE: 2 * HOUR_MS,
    Kind.DISMISS: 2 * HOUR_MS,
    Kind.CLICK: 24 * HOUR_MS,
    Kind.SHARE: 24 * HOUR_MS,
    Kind.CONVERSION: 30 * 24 * HOUR_MS,
}
_PLACEMENT_BITS = {Kind.IMPRESSION: 0, Kind.VIEWABLE: 1, Kind.CLICK: 2, Kind.DISMISS: 3}


class Facts(NamedTuple):
    """All that judging one event needs; `own` says that this process issued the token."""

    kind: Kind
    age_ms: int
    own: bool
    preview: bool
    prefetch: bool
    bot: bool
    right_site: bool
    offered: bool


class Event(NamedTuple):
    """One judged event as the journal keeps it.

    `field` is `site|placement|campaign|creative|platform|source|arm|kind|network` with `-` for
    unused. A `VALID` event with `seen` counts as a duplicate when that bit is already set;
    `article` (`site|article|source|kind|network`) and `pace`
    (`creative|placement|platform|arm|kind`) count only if it proves valid. `names` are pairs of
    a field and a text that make codes readable again.
    """

    hour: int  # of receipt, since the epoch, UTC
    shard: int
    field: str
    verdict: str  # a `Verdict`, or `REFUSED`
    count: int = 1  # type: ignore[assignment]  # hides tuple.count, no use on an event
    seen: tuple[int, int, int] | None = None  # issuer, chunk, bit in the chunk
    article: str | None = None
    pace: str | None = None
    names: tuple[tuple[str, str], ...] = ()


def judge(facts: Facts) -> Verdict:
    """Return the first verdict that applies to an event whose token verified.

    `FORGED` precedes (no facts to trust), `RATE_LIMITED` and `DUPLICATE` follow elsewhere.
    """
    if facts.preview:
        return Verdict.PREVIEW
    if facts.prefetch:
        return Verdict.PREFETCH
    if facts.bot:
        return Verdict.BOT
    if not -SKEW_MS <= facts.age_ms <= LIFE_MS[facts.kind]:
        return Verdict.EXPIRED
    if not facts.right_site:
        return Verdict.WRONG_SITE
    return _judged_as_offered(facts)


def _judged_as_offered(facts: Facts) -> Verdict:
    if not facts.offered:
        return Verdict.MISMATCH
    return Verdict.TOO_FAST if _too_fast(facts) else Verdict.VALID


def _too_fast(facts: Facts) -> bool:
    if not facts.own:  # another machine's clock proves nothing at this grain
        return False
    if facts.kind is Kind.VIEWABLE:
        return facts.age_ms < VIEWABLE_AFTER_MS
    return facts.kind is Kind.CLICK and facts.age_ms < CLICK_AFTER_MS


def shard_of(issuer: int, serial: int) -> int:
    """Return the shard (0 to 15) that counts a token: whole chunks, spread by issuer."""
    return (issuer + serial // CHUNK_TOKENS) % SHARDS


def bit_of(kind: Kind, position: int) -> int:
    """Return a token's bit (0 to 31) for a kind.

    `position` is the number of the placement among the token's distinct ones for placement
    kinds, the network's code for shares, and ignored for views.
    """
    if kind is Kind.VIEW:
        return 0
    if kind is Kind.SHARE:
        return 16 + position
    return 1 + 4 * position + _PLACEMENT_BITS[kind]
