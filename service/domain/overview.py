"""The figures of one range at a glance: totals, tables and the traffic ledger; formats nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.domain.events import OTHER, REFUSED, UNUSED, Kind, Verdict
from service.domain.folding import HOLD, Key
from service.domain.names import ArticleName
from service.domain.rates import Rate

ARTICLES_SHOWN = 25
REASONS = (*(str(verdict) for verdict in Verdict if verdict is not Verdict.VALID), REFUSED)


@dataclass(frozen=True, slots=True)
class Figures:
    """Net counts of what readers did, and the rates a publisher is judged by."""

    views: int = 0
    impressions: int = 0
    viewable: int = 0
    clicks: int = 0
    shares: int = 0

    @property
    def viewability(self) -> Rate:
        """Viewable impressions of all impressions (MRC's viewable rate, all measured)."""
        return Rate(self.viewable, self.impressions)

    @property
    def click_through(self) -> Rate:
        """Clicks of viewable impressions: an unseen advertisement cannot be judged."""
        return Rate(self.clicks, self.viewable)

    @property
    def sharing(self) -> Rate:
        """Shares per 1,000 views."""
        return Rate(self.shares, self.views, 1_000)


@dataclass(frozen=True, slots=True)
class NetworkLine:
    """The loop of one network: shares to it, and the visits that came back through them."""

    network: str
    shares: int
    visits: int

    @property
    def returned(self) -> Rate:
        """Visits per share."""
        return Rate(self.visits, self.shares, 1)


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """One article: its figures, how many of its views came through shares, its name if known."""

    article: str
    name: ArticleName | None
    figures: Figures
    shared_visits: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """Gross = the sum of `reasons` and `net`; `held` of the net saw no promotion on purpose.

    `nameless` are events that name no site, which a single site's gross leaves out.
    """

    gross: int
    net: int
    held: int
    reasons: Mapping[str, int]
    nameless: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the reports page shows of one range, tables with the largest first."""

    total: Figures
    series: Mapping[int, Figures]  # by hour since the epoch, or by local day since the epoch
    campaigns: Mapping[str, Figures]
    placements: Mapping[str, Figures]
    sources: Mapping[str, Figures]
    networks: tuple[NetworkLine, ...]
    ledger: Ledger
    articles: tuple[ArticleLine, ...] = ()
    article_count: int = 0
    arms: Mapping[str, Figures] = field(default_factory=dict)  # of one site: they are its own

    @property
    def shared_visits(self) -> int:
        """Views by readers whom a share brought."""
        return sum(one.views for source, one in self.sources.items() if source != UNUSED)


def figures(sums: Mapping[Key, int]) -> dict[str | int, Figures]:
    """Group sums by (dimension, kind) into figures per dimension, most used first."""
    kinds: dict[str | int, dict[str | int, int]] = {}
    for (name, kind), count in sums.items():
        kinds.setdefault(name, {})[kind] = count
    found = {name: _of_kinds(counts) for name, counts in kinds.items()}
    return dict(sorted(found.items(), key=lambda item: (*_size(item[1]), str(item[0]))))


def named(found: Mapping[str | int, Figures], *, unused: bool = False) -> dict[str, Figures]:
    """Keep what can stand in a table: only names in use, unless `unused` is a name here."""
    return {
        str(name): one
        for name, one in found.items()
        if one != Figures() and (unused or name != UNUSED)
    }


def total_of(every: Iterable[Figures]) -> Figures:
    """Add figures up."""
    totals = [(f.views, f.impressions, f.viewable, f.clicks, f.shares) for f in every]
    return Figures(*map(sum, zip(*totals, strict=True))) if totals else Figures()


def network_lines(
    shares: Mapping[str, Figures], sources: Mapping[str, Figures]
) -> tuple[NetworkLine, ...]:
    """Join what was shared to a network with what that network sent back."""
    networks = {*shares, *sources} - {UNUSED}
    nothing = Figures()
    lines = (
        NetworkLine(name, shares.get(name, nothing).shares, sources.get(name, nothing).views)
        for name in networks
    )
    used = (line for line in lines if line.shares or line.visits)
    return tuple(sorted(used, key=lambda line: (-line.shares, -line.visits, line.network)))


def ledger(verdicts: Mapping[Key, int], site: str | None) -> Ledger:
    """Make the ledger of sums by (site, verdict, arm) over all sites."""
    mine: dict[str, int] = {}
    nameless: dict[str, int] = {}
    held = 0
    for (owner, verdict, arm), count in verdicts.items():
        if site is not None and owner != site:
            if owner == OTHER and verdict != Verdict.VALID:
                nameless[str(verdict)] = nameless.get(str(verdict), 0) + count
            continue
        mine[str(verdict)] = mine.get(str(verdict), 0) + count
        held += count if arm == HOLD and verdict == Verdict.VALID else 0
    net = mine.pop(Verdict.VALID, 0)
    reasons = {**dict.fromkeys(REASONS, 0), **mine}
    return Ledger(net + sum(reasons.values()), net, held, reasons, nameless)


def article_lines(sums: Mapping[Key, int]) -> list[ArticleLine]:
    """Make one line per article of sums by (article, source, kind), most read first."""
    kinds: dict[Key, int] = {}
    shared: dict[str, int] = {}
    for (article, source, kind), count in sums.items():
        kinds[article, kind] = kinds.get((article, kind), 0) + count
        if kind == Kind.VIEW and source != UNUSED:
            shared[str(article)] = shared.get(str(article), 0) + count
    return [
        ArticleLine(name, None, one, shared.get(name, 0))
        for name, one in named(figures(kinds)).items()
    ]


def _of_kinds(counts: Mapping[str | int, int]) -> Figures:
    kinds = (Kind.VIEW, Kind.IMPRESSION, Kind.VIEWABLE, Kind.CLICK, Kind.SHARE)
    return Figures(*(counts.get(kind, 0) for kind in kinds))


def _size(one: Figures) -> tuple[int, int, int, int]:
    return -one.views, -one.impressions, -one.shares, -one.clicks
