"""A publisher's sites, as values: who may ask, what pages show, how page views are divided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from service.domain.ads import code_of
from service.domain.articles import ArticlePattern


@dataclass(frozen=True, slots=True)
class Placement:
    """A named place on the page; its code (1 to 255) is written in the configuration."""

    id: str
    code: int


@dataclass(frozen=True, slots=True)
class Labels:
    """The words a site shows around ads and share links; `{network}` is the network's name."""

    advertisement: str = "Advertisement"
    share: str = "Share on {network}"


class Repeat(StrEnum):
    """Whether one page view may show a campaign in more than one placement."""

    ALLOW = "allow"
    SAME = "same"  # the same creative everywhere it fits
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Experiment:
    """How page views are divided, by article and hour: shares from 0 to 1 of all of them.

    `holdout` sees no promotion, `arms` see the creatives that name them; `guard` is the share of
    the rest whose creatives follow the configured weights whatever was learned.
    """

    salt: str = ""
    holdout: float = 0.0
    arms: Mapping[str, float] = field(default_factory=dict)
    guard: float = 0.05


@dataclass(frozen=True, slots=True)
class Site:
    """A publisher's site: which pages may ask, what they show, where doubt is sent."""

    id: str
    name: str
    origins: frozenset[str]
    articles: tuple[ArticlePattern, ...]
    placements: tuple[Placement, ...]
    share: tuple[str, ...]
    fallback: str
    language: str = "en"
    timezone: str = "UTC"
    labels: Labels = Labels()
    repeat: Repeat = Repeat.ALLOW
    experiment: Experiment = Experiment()

    @property
    def code(self) -> int:
        """The site's 32-bit code in tokens."""
        return code_of(self.id)

    def allows(self, url: str) -> bool:
        """Say whether a canonical article address is one of this site's."""
        return any(pattern.matches(url) for pattern in self.articles)
