"""What is left of a dimension's values, for one campaign and for two on one page view.

Only dimensions of readers and pages: when weekdays and hours come is told in `catalog_hours`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.adapters.catalog_targeting import CLOSED_DIMENSIONS
from service.domain.articles import glob_covers, globs_meet
from service.domain.targeting import (
    ANYONE,
    DIRECT,
    KNOWN,
    LANGUAGE,
    PATH,
    PLACEMENT,
    PLATFORM,
    SHARED,
    SITE,
    SOURCE,
    TAG,
    languages,
)

Values = Mapping[str, frozenset[str]]
_NONE: frozenset[str] = frozenset()
_DIRECT = frozenset({DIRECT})


def spared(name: str, wanted: frozenset[str], refused: frozenset[str]) -> frozenset[str]:
    """Return those of a dimension's wanted values that refused ones leave."""
    if not refused:
        return wanted
    if name == LANGUAGE:  # a page in en-GB is one in en too
        return frozenset(tag for tag in wanted if refused.isdisjoint(languages(tag)))
    if name == PATH:
        left = (glob for glob in wanted if not any(glob_covers(wide, glob) for wide in refused))
        return frozenset(left)
    if name == PLATFORM:  # an unknown reader may be on any: who refuses one refuses him
        return wanted - refused - {ANYONE}
    return wanted - refused


def left(name: str, target: Values, exclude: Values) -> frozenset[str] | None:
    """Return the values that a campaign takes of a dimension; None for all but the refused."""
    wanted = target.get(name, CLOSED_DIMENSIONS.get(name))
    return None if wanted is None else spared(name, wanted, exclude.get(name, _NONE))


def takes_direct(target: Values, exclude: Values) -> bool:
    """Say whether a visit may show a campaign that no network brought, so that is no shared one."""
    sources, shared = left(SOURCE, target, exclude), left(SHARED, target, exclude)
    direct = DIRECT not in exclude.get(SOURCE, _NONE) if sources is None else DIRECT in sources
    return direct and "no" in (shared or _NONE)


def takes_shared(target: Values, exclude: Values) -> bool:
    """Say whether a visit that a network brought may show a campaign."""
    sources, shared = left(SOURCE, target, exclude), left(SHARED, target, exclude)
    return (sources is None or bool(sources - _DIRECT)) and "yes" in (shared or _NONE)


Aim = tuple[Values, Values]
"""What a campaign wants and what it refuses, by dimension."""


def covers(wide: Aim, narrow: Aim) -> bool:
    """Say whether it is certain that one campaign takes whom and when another one does.

    Places are left aside, for creatives decide them too; the clocks must be of one zone.
    """
    names = (wide[0].keys() | wide[1].keys()) - {SITE, PLACEMENT}
    return all(_wants_all(name, wide, narrow) and _spares_all(name, wide, narrow) for name in names)


def _wants_all(name: str, wide: Aim, narrow: Aim) -> bool:
    wanted, values = wide[0].get(name), left(name, *narrow)
    if wanted is None or values is None:
        return wanted is None
    return values <= wanted if name == PLATFORM else not spared(name, values, wanted)


def _spares_all(name: str, wide: Aim, narrow: Aim) -> bool:
    refused, values = wide[1].get(name, _NONE), left(name, *narrow)
    if refused <= narrow[1].get(name, _NONE):
        return True
    if values is None or name in {LANGUAGE, PATH, TAG}:  # a page has others beside those wanted
        return False
    unknown = name == PLATFORM and (ANYONE in values or values >= set(KNOWN))
    return not unknown and values.isdisjoint(refused)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a campaign takes, by dimension; to ask whether another one may meet it there."""

    wanted: Values
    refused: Values

    def meets(self, other: "Audience") -> bool:
        """Say whether some reader of some page suits both."""
        return all(self._meets(name, other) for name in _MEETING)

    def _meets(self, name: str, other: "Audience") -> bool:
        refused = self.refused.get(name, _NONE) | other.refused.get(name, _NONE)
        mine, theirs = self.wanted.get(name), other.wanted.get(name)
        if mine is None or theirs is None:
            one = theirs if mine is None else mine
            return one is None or bool(spared(name, one, refused))
        return _MEETING[name](spared(name, mine, refused), spared(name, theirs, refused))


def audience_of(target: Values, exclude: Values) -> Audience:
    """Return whom a campaign takes; by which way readers may come is told by `source` alone."""
    wanted, refused = {**CLOSED_DIMENSIONS, **target}, dict(exclude)
    if not takes_direct(target, exclude):
        refused[SOURCE] = refused.get(SOURCE, _NONE) | _DIRECT
    if not takes_shared(target, exclude):
        wanted[SOURCE] = _DIRECT
    if wanted[PLATFORM] >= set(KNOWN):  # what suits all platforms suits an unknown reader
        wanted[PLATFORM] |= {ANYONE}
    return Audience(wanted, refused)


_Meeting = Callable[[frozenset[str], frozenset[str]], bool]


def _alike(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return not mine.isdisjoint(theirs)


def _both(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine and theirs)  # a page may have many


def _languages(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    pairs = ((mine, theirs), (theirs, mine))
    return any(not wide.isdisjoint(languages(tag)) for wide, narrow in pairs for tag in narrow)


def _paths(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return any(globs_meet(one, other) for one in mine for other in theirs)


_MEETING: Mapping[str, _Meeting] = {
    **dict.fromkeys((PLATFORM, "country", "section", SOURCE), _alike),
    TAG: _both,
    LANGUAGE: _languages,
    PATH: _paths,
}
