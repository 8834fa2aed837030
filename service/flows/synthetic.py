"""Makes up page views that meet what campaigns ask for; decides and counts nothing.

Half of all visits are of ordinary articles, read from an unknown country; the other half are shared
evenly by the distinct wishes of campaigns for such pages and readers as are not ordinary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import cos, pi
from random import Random
from typing import NamedTuple

from service.domain.ads import Campaign
from service.domain.articles import Article, article_id, glob_matches
from service.domain.audience import UNKNOWN, Platform
from service.domain.catalog import Catalog
from service.domain.index import Index
from service.domain.sites import Site
from service.domain.targeting import (
    ANYONE,
    COUNTRY,
    DIRECT,
    LANGUAGE,
    PATH,
    PLATFORM,
    SECTION,
    SHARED,
    SITE,
    SOURCE,
    TAG,
    included,
    languages,
)
from service.domain.times import fits_hour
from service.domain.traffic import WEEK_HOURS, shape_of
from service.flows.pages import Audience, Page

ARTICLES = 12  # of each wish: its values take turns among them
WISHED = 0.5  # of all visits
# Quiet nights, loud evenings, quieter weekends; a week begins on Monday, UTC.
TRAFFIC = shape_of(
    tuple(
        (1.0 - 0.8 * cos(2 * pi * (hour % 24 - 3.5) / 24)) * (0.7 if hour >= 5 * 24 else 1.0)
        for hour in range(WEEK_HOURS)
    )
)
_PLATFORMS = (Platform.IOS, Platform.ANDROID, Platform.DESKTOP)
# For campaigns that refuse some, but ask for none.
_COUNTRIES, _LANGUAGES = (UNKNOWN, "us", "in", "br"), ("en", "es", "zh")
_Values = Mapping[str, frozenset[str]]
_NONE: frozenset[str] = frozenset()


class _Visit(NamedTuple):
    url: str
    country: str = UNKNOWN
    language: str = ""
    section: str = ""
    tag: str = ""
    source: str = DIRECT


@dataclass(frozen=True, slots=True)
class Crowd:
    """Whoever reads one site: articles with their readers' countries, of no wish and of each."""

    ordinary: Sequence[tuple[Page, str]]
    wished: Sequence[Sequence[tuple[Page, str]]]
    platforms: Sequence[Platform]

    def visit(self, random: Random) -> tuple[Page, Audience]:
        """Draw a page view."""
        wished = self.wished and random.random() < WISHED
        page, country = random.choice(random.choice(self.wished) if wished else self.ordinary)
        return page, Audience(random.choice(self.platforms), country)

    def reaches(self, index: Index) -> int:
        """Return the mask of campaigns that some of these page views may show."""
        targeting, found = index.targeting, 0
        for page, country in chain(self.ordinary, *self.wished):
            allowed = page.allows(index)
            for platform in self.platforms:
                found |= allowed & targeting.reader(platform.label, country)
        return found


def crowd_of(catalog: Catalog, site: Site, hours: range) -> Crowd:
    """Return the crowd of a site that suits the campaigns that run there in some hours."""
    campaigns = [one for one in catalog.campaigns.values() if _idle(one, site, hours) is None]
    ordinary = _visits(site, {}, {})
    wishes = dict.fromkeys(_visits(site, one.target, one.exclude) for one in campaigns)
    wishes.pop(ordinary, None)
    asked = any(ANYONE in one.target.get(PLATFORM, ()) for one in campaigns)
    return Crowd(
        [_page(catalog, site, visit) for visit in ordinary],
        [[_page(catalog, site, visit) for visit in wish] for wish in wishes],
        (*_PLATFORMS, Platform.UNKNOWN) if asked else _PLATFORMS,
    )


def left_out(index: Index, site: Site, hours: range, crowd: Crowd) -> Mapping[str, str]:
    """Return which campaigns cannot deliver in some hours whatever is chosen, and why."""
    reached, found = crowd.reaches(index), {}
    for number, campaign in enumerate(index.campaigns):
        why = _idle(campaign, site, hours)
        if why is None and not reached >> number & 1:
            why = "no synthetic page view has what it asks for"
        if why is not None:
            found[campaign.id] = why
    return found


def _idle(campaign: Campaign, site: Site, hours: range) -> str | None:
    """Return why a campaign has nothing to do on a site in some hours; None if it has."""
    named = included(campaign).get(SITE, {site.id})
    if campaign.paused:
        return "it is paused"
    if site.id not in named or site.id in campaign.exclude.get(SITE, ()):
        return f"it is not for site {site.id}"
    if not any(campaign.flight(hour) and fits_hour(campaign, hour) for hour in hours):
        return "no hour of its flights is among these days"
    return None


def _page(catalog: Catalog, site: Site, visit: _Visit) -> tuple[Page, str]:
    article = Article(visit.url, article_id(visit.url))
    source = 0 if visit.source == DIRECT else catalog.networks[visit.source].code
    tags = (visit.tag,) if visit.tag else ()
    page = Page(
        site, article, site.placements, source, language=visit.language, section=visit.section,
        tags=tags,
    )  # fmt: skip
    return page, visit.country


def _visits(site: Site, target: _Values, exclude: _Values) -> tuple[_Visit, ...]:
    """Return a visit to each article of a wish; whoever refuses much may not be met by any."""

    def some(
        name: str,
        ordinary: Sequence[str],
        wider: Callable[[str], Sequence[str]] = lambda one: (one,),
    ) -> Sequence[str]:
        refused = exclude.get(name, _NONE)
        values = sorted(target.get(name, ())) or ordinary
        left = [value for value in values if refused.isdisjoint(wider(value))] or values
        return left if name in target else left[:1]

    shared = target.get(SHARED, {"yes", "no"}) - exclude.get(SHARED, _NONE)
    sources = [DIRECT] if "no" in shared else []
    sources += site.share if "yes" in shared else ()
    sides = (
        some(COUNTRY, _COUNTRIES),
        some(LANGUAGE, (site.language.lower(), *_LANGUAGES), languages),
        some(SECTION, ("",)),
        some(TAG, ("",)),
        some(SOURCE, sources or [DIRECT]),
    )
    globs, refused = some(PATH, ("*",)), exclude.get(PATH, _NONE)
    return tuple(
        _Visit(
            _address(site, globs[number % len(globs)], refused, f"article-{number + 1}"),
            *(side[number % len(side)] for side in sides),
        )
        for number in range(ARTICLES)
    )


def _address(site: Site, glob: str, refused: frozenset[str], word: str) -> str:
    """Return an article of the site whose path fits a glob, with a word where any text may be.

    Where none is found, one that does not fit.
    """
    for pattern in site.articles:
        root = f"{pattern.scheme}://{'www.' if pattern.subdomains else ''}{pattern.host}"
        any_path = pattern.path.replace("*", word)
        joined = glob.partition("*")[0] + word + pattern.path.rpartition("*")[2]
        for path in (any_path, glob.replace("*", word), glob.replace("*", ""), joined):
            bare = path.partition("?")[0]
            if (
                pattern.matches(root + path)
                and glob_matches(glob, bare)
                and not any(glob_matches(one, bare) for one in refused)
            ):
                return root + path
    return root + any_path
