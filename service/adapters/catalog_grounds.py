"""What sites offer to campaigns, as far as it can be told; finds no faults.

Of a site with faults each field that is wrong offers all there could be, so that no campaign is
refused for what mending the site would give it.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import get_args

from service.adapters.catalog_checks import names_in
from service.adapters.catalog_entries import Entry
from service.adapters.catalog_site_models import SiteFile
from service.adapters.catalog_types import ArmName

_ANY_ARTICLE = ("/*",)
_ANY_ARM = frozenset(get_args(ArmName))
_SHOWN_BY = frozenset({"articles", "experiment", "placements", "repeat"})


@dataclass(frozen=True, slots=True)
class Ground:
    """A site's placements, arms, articles (path and query, with `*`) and networks (None: any).

    `once` says that a page shows a campaign in one place at most, `sure` that where campaigns show
    is told by what is written.
    """

    placements: Set[str]
    arms: Set[str]
    articles: Sequence[str]
    share: Set[str] | None
    once: bool
    sure: bool


Sites = Mapping[str, Ground]


def grounds_of(sites: Iterable[Entry]) -> dict[str, Ground]:
    """Return the grounds of sites by id, but for those whose placements cannot be told."""
    found = ((one.document.id, _ground(one)) for one in sites)
    return {name: ground for name, ground in found if ground is not None}


def _ground(site: Entry) -> Ground | None:
    placements, rest = names_in(site.document.data.get("placements")), site.rest
    if placements is None or rest is None or not isinstance(rest.model, SiteFile):
        return None
    model, guessed = rest.model, rest.guessed
    return Ground(
        placements,
        _ANY_ARM if "experiment" in guessed else model.experiment.arms.keys(),
        _ANY_ARTICLE if "articles" in guessed else tuple(one.path for one in model.articles),
        None if "share" in guessed else frozenset(model.share),
        model.repeat == "never",
        guessed.isdisjoint(_SHOWN_BY),
    )
