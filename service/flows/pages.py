"""What a decision is asked for: a page and its audience, as values that targeting understands."""

from dataclasses import dataclass
from typing import NamedTuple

from service.domain.ads import Placement, Site
from service.domain.articles import Article
from service.domain.audience import UNKNOWN, Platform
from service.domain.plans import Plan
from service.domain.targeting import (
    DIRECT,
    LANGUAGE,
    PATH,
    SECTION,
    SHARED,
    SITE,
    SOURCE,
    TAG,
    languages,
)
from service.domain.tokens import Parsed


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What was asked: which page of which site, for which placements, and how the reader came."""

    site: Site
    article: Article
    placements: tuple[Placement, ...]
    source: int = 0
    depth: int = 0
    language: str = ""
    section: str = ""
    tags: tuple[str, ...] = ()
    preview: Parsed | None = None


class Audience(NamedTuple):
    """What a decision may know of a reader; `country` is in lower case."""

    platform: Platform
    country: str = UNKNOWN
    gpc: bool = False


def page_values(plan: Plan, page: Page) -> dict[str, tuple[str, ...]]:
    """Return the values of the dimensions that a page alone determines."""
    source = plan.codebook.network_id(page.source) if page.source else DIRECT
    return {
        SITE: (page.site.id,),
        LANGUAGE: languages(page.language or page.site.language),
        SECTION: (page.section,) if page.section else (),
        TAG: page.tags,
        PATH: plan.index.targeting.path_globs(page.article.url),
        SOURCE: (source,),
        SHARED: ("yes" if page.source else "no",),
    }
