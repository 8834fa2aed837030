"""What a decision is asked for: a page and its audience, as values that targeting understands."""

from dataclasses import dataclass, field
from typing import NamedTuple

from service.domain.articles import Article
from service.domain.audience import UNKNOWN, Platform
from service.domain.choosing import LONG
from service.domain.index import Index
from service.domain.sites import Placement, Site
from service.domain.targeting import (
    DIRECT,
    LANGUAGE,
    PATH,
    SECTION,
    SHARED,
    SITE,
    SOURCE,
    TAG,
    bytes_of,
    languages,
)
from service.domain.tokens import Parsed


@dataclass(slots=True, eq=False)
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
    _index: object = field(init=False, repr=False, default=None)
    _mask: int | bytes = field(init=False, repr=False, default=0)

    def allows(self, index: Index) -> int:
        """Return the mask of campaigns that the page allows; worked out once per catalogue."""
        mask = self._kept(index)
        return mask if isinstance(mask, int) else int.from_bytes(mask, "little")

    def sees(self, index: Index) -> bytes:
        """Return the same of a long catalogue as bytes, the lowest bits first."""
        mask = self._kept(index)
        return mask if isinstance(mask, bytes) else bytes_of(mask, len(index))

    def _kept(self, index: Index) -> int | bytes:
        if self._index is not index.key:
            mask = index.targeting.eligible(self.values(index))
            self._mask = mask if len(index) < LONG else bytes_of(mask, len(index))
            self._index = index.key
        return self._mask

    def values(self, index: Index) -> dict[str, tuple[str, ...]]:
        """Return the values of the dimensions that a page alone determines."""
        source = index.codebook.network_id(self.source) if self.source else DIRECT
        return {
            SITE: (self.site.id,),
            LANGUAGE: languages(self.language or self.site.language),
            SECTION: (self.section,) if self.section else (),
            TAG: self.tags,
            PATH: index.targeting.path_globs(self.article.url),
            SOURCE: (source,),
            SHARED: ("yes" if self.source else "no",),
        }


class Audience(NamedTuple):
    """What a decision may know of a reader; `country` is in lower case."""

    platform: Platform
    country: str = UNKNOWN
    gpc: bool = False
