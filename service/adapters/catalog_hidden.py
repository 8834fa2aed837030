"""Campaigns that others leave no place for: warned of only where it is certain.

Somebody of a better rank always may show in all their places, to all their readers, in all hours
that are left to them. Campaigns alike are compared once, with those alone that are for all readers
or for a word of theirs: thousands cost little more than to go through them.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import product

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_dimensions import covers, left
from service.adapters.catalog_entries import Entry
from service.adapters.catalog_grounds import Sites
from service.adapters.catalog_reach import Spot, spots_of
from service.adapters.catalog_standing import Span, Standing, standing_of
from service.domain.errors import Problem
from service.domain.targeting import LANGUAGE, PLACEMENT, SITE, TIME_DIMENSIONS, languages
from service.flows.unhurried import unhurried

_Key = tuple[str, str, str]
"""Site, dimension and value under which somebody is looked up, each empty for any."""


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    entry: Entry
    campaign: CampaignFile
    standing: Standing
    alike: frozenset[Hashable]  # the same object for all that are for the same: found at once


class _Places:
    """Where campaigns have a spot, worked out once for all that are in the same places."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._known: dict[frozenset[Hashable], tuple[Set[Spot], Set[str]]] = {}

    def of(self, one: _One) -> tuple[Set[Spot], Set[str]]:
        """Return the spots, and the sites where a page shows it in one of several placements."""
        found = self._known.get(one.standing.place)
        if found is None:
            spots = spots_of(one.campaign, self._sites)
            places = Counter(site for site, _ in {spot[:2] for spot in spots})
            some = {name for name, count in places.items() if count > 1 and self._sites[name].once}
            found = self._known[one.standing.place] = spots, some
        return found


@dataclass(frozen=True, slots=True)
class _Shade:
    """Campaigns alike that may hide others: one of them, its spots, and who lasts longest.

    On sites of `once` a page shows each in one of several placements. Of those that have begun by
    `begins[i]`, `lasting[i]` has the latest end.
    """

    like: _One
    spots: Set[Spot]
    once: Set[str]
    begins: Sequence[int]
    lasting: Sequence[tuple[float, _One]]

    def over(self, span: Span) -> _One | None:
        """Return who is here for all of a span."""
        at = bisect_right(self.begins, span[0])
        end, one = self.lasting[at - 1] if at else (0, None)
        return one if end >= span[1] else None

    def takes_all(self, other: _One, spots: Set[Spot]) -> bool:
        """Say whether whoever is here takes all that another campaign might, and before it."""
        mine, theirs = self.like.standing, other.standing
        if not (mine.rank < theirs.rank and spots <= self.spots and covers(mine.aim, theirs.aim)):
            return False
        if self.once and not self.once.isdisjoint(site for site, *_ in spots):
            return False
        timed = not (mine.aim[0].keys() | mine.aim[1].keys()).isdisjoint(TIME_DIMENSIONS)
        return not timed or self.like.campaign.timezone == other.campaign.timezone


class Hidden:
    """Finds who is hidden, and remembers the standing of each."""

    def __init__(self) -> None:
        self._known: dict[Entry, _One] = {}
        self._forms: dict[frozenset[Hashable], frozenset[Hashable]] = {}

    def problems(
        self, campaigns: Sequence[tuple[Entry, CampaignFile]], sites: Sites, hour: int
    ) -> Iterator[Problem]:
        """Yield a warning of each campaign that is hidden from an hour on."""
        alike = self._alike(campaigns, hour)
        hiding = [some for some in alike if any(one.standing.always for one in some)]
        best = min((some[0].standing.rank for some in hiding), default=None)
        behind = [some for some in alike if best is not None and best < some[0].standing.rank]
        places = _Places(sites)
        filed = _filed(hiding, places) if behind else {}
        for some in unhurried(behind):
            first, named = some[0], some[0].campaign.sites
            if named is not None and not sites.keys() >= set(named):
                continue  # which is told by itself
            spots, _ = places.of(first)
            near = [one for key in _keys_of(first, spots) for one in filed.get(key, ())]
            shades = [one for one in near if one.takes_all(first, spots)]
            for one in some if shades else ():
                yield from _hidden(one, shades, hour)

    def _alike(
        self, campaigns: Sequence[tuple[Entry, CampaignFile]], hour: int
    ) -> list[list[_One]]:
        """Return who may still show, those together that differ in nothing but when."""
        known, self._known = self._known, {}
        found: defaultdict[frozenset[Hashable], list[_One]] = defaultdict(list)
        for entry, campaign in unhurried(campaigns):
            one = known.get(entry)
            if one is None:
                standing = standing_of(campaign)
                whom = self._forms.setdefault(standing.whom, standing.whom)
                one = _One(entry, campaign, standing, whom)
            self._known[entry] = one
            if one.standing.last > hour:
                found[one.alike].append(one)
        self._forms = {form: form for form in found}  # and not of all that ever were
        return list(found.values())


def _hidden(one: _One, shades: Sequence[_Shade], hour: int) -> Iterator[Problem]:
    spans = [(max(start, hour), end) for start, end in one.standing.flights if end > hour]
    owners = [next(filter(None, (shade.over(span) for shade in shades)), None) for span in spans]
    named = dict.fromkeys(_named(owner) for owner in owners if owner is not None)
    if None not in owners:
        message = (
            f"is never its turn: {', '.join(named)} may always show in all its places, to all its"
            " readers; give it another tier, place or time, or the other one a goal or an end"
        )
        yield one.entry.document.problem(("tier",), message, warning=True)


def _named(one: _One) -> str:
    document = one.entry.document
    return f"`{one.campaign.id}` ({document.file}:{document.marks.line_of(('id',))})"


def _filed(hiding: Sequence[Sequence[_One]], places: _Places) -> dict[_Key, list[_Shade]]:
    """Return who may hide others, each under its sites and the values of one dimension."""
    found: dict[_Key, list[_Shade]] = {}
    for some in unhurried(hiding):
        shade = _Shade(some[0], *places.of(some[0]), *_lasting(some))
        wanted = some[0].standing.aim[0]
        name = next((name for name in wanted if name not in {SITE, PLACEMENT}), "")
        for site, value in product(some[0].campaign.sites or ("",), wanted.get(name, ("",))):
            found.setdefault((site, name, value), []).append(shade)
    return found


def _lasting(some: Sequence[_One]) -> tuple[list[int], list[tuple[float, _One]]]:
    """Return when each span begins, and who of those begun by then has the latest end."""
    spans = sorted((*span, i) for i, one in enumerate(some) for span in one.standing.always)
    lasting: list[tuple[float, _One]] = []
    for _, end, i in spans:
        longer = not lasting or end > lasting[-1][0]
        lasting.append((end, some[i]) if longer else lasting[-1])
    return [begin for begin, *_ in spans], lasting


def _keys_of(one: _One, spots: Set[Spot]) -> Iterator[_Key]:
    """Yield under what those are filed who take all that a campaign does: any one value will do."""
    aim = one.standing.aim
    values = [("", "")]
    for name in aim[0]:
        value = min(left(name, *aim) or ("",))
        values += [(name, wide) for wide in (languages(value) if name == LANGUAGE else (value,))]
    for site in ("", min(spots)[0]) if spots else ():
        yield from ((site, *value) for value in values)
