"""Where a campaign can show at all: sites, and their placements, arms and articles.

Works on checked models; what a campaign contradicts by itself is told beside, in
`catalog_contradictions`.
"""

from collections.abc import Iterable, Iterator, Sequence, Set

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_contradictions import placements_of
from service.adapters.catalog_documents import Document
from service.adapters.catalog_grounds import Ground, Sites
from service.domain.articles import glob_covers, globs_meet
from service.domain.errors import Problem
from service.domain.targeting import PATH

_LISTED_CHARS = 120
Spot = tuple[str, str, str]
"""Site, placement and arm, empty for page views that are in none."""


def site_left(document: Document, campaign: CampaignFile, names: Set[str]) -> Iterator[Problem]:
    """Yield where no site is left, by the names of all that there are."""
    asked, refused = campaign.target.site, campaign.exclude.site
    if (asked is None and refused is None) or sites_of(campaign, names):
        return
    if asked is not None and names & set(asked):
        message = "leaves no site of `sites`: name sites in one of the two places"
        yield document.problem(("target", "site"), message)
    elif refused is not None and names:
        yield document.problem(("exclude", "site"), "leaves no site: name fewer")


def placement_left(document: Document, campaign: CampaignFile) -> Iterator[Problem]:
    """Yield where no placement of the creatives is left."""
    places = placements_of(campaign)
    if campaign.target.placement is not None and not places:
        message = "none of the creatives fits there: name placements of the creatives"
        yield document.problem(("target", "placement"), message)
    elif campaign.exclude.placement is not None and not places:
        message = "leaves no placement of the creatives: name fewer"
        yield document.problem(("exclude", "placement"), message)


def reach(document: Document, campaign: CampaignFile, sites: Sites) -> Iterator[Problem]:
    """Yield what can never show on these sites: no placement, arm or article is left for it."""
    where, places = sites_of(campaign, sites), placements_of(campaign)
    found = [*_arms(document, campaign, [sites[name] for name in where])]
    yield from found
    if where and places and not found:
        yield from _together(document, campaign, sites, where)


def sites_of(campaign: CampaignFile, sites: Iterable[str]) -> list[str]:
    """Return those of some sites that `sites`, `target` and `exclude` leave."""
    named = set(sites if campaign.sites is None else campaign.sites)
    named &= named if campaign.target.site is None else set(campaign.target.site)
    named -= set(campaign.exclude.site or ())
    return [name for name in sites if name in named]


def spots_of(campaign: CampaignFile, sites: Sites) -> set[Spot]:
    """Return every spot where some article may show the campaign."""
    places = placements_of(campaign)
    return {
        (name, place, arm)
        for name in sites_of(campaign, sites)
        if _admitted(campaign, _left(campaign, [sites[name]]))
        for creative in campaign.creatives
        for place in places & sites[name].placements & set(creative.placements)
        for arm in {*sites[name].arms, ""}
        if creative.arms is None or arm in creative.arms
    }


def _arms(document: Document, campaign: CampaignFile, where: Sequence[Ground]) -> Iterator[Problem]:
    arms = {arm for site in where for arm in site.arms}
    for i, creative in enumerate(campaign.creatives):
        for k, arm in enumerate(creative.arms or ()):
            if where and arm not in arms:
                message = f"no site of this campaign has an arm `{arm}`: add it to `experiment`"
                yield document.problem(("creatives", i, "arms", k), message)


def _together(
    document: Document, campaign: CampaignFile, sites: Sites, where: Sequence[str]
) -> Iterator[Problem]:
    """Yield where each site lacks something: a placement, an arm for it, or such articles."""
    fitting = [sites[name] for name in where if _fits(campaign, sites[name])]
    if fitting:
        yield from _articles(document, campaign, fitting)
        return
    named = sites if campaign.sites is None else sites.keys() & set(campaign.sites)
    every = {place for name in named for place in sites[name].placements}
    if not every >= {name for one in campaign.creatives for name in one.placements}:
        return  # which is named where it is written
    fields = (
        (side, name)
        for name in ("placement", "site")
        for side in ("target", "exclude")
        if getattr(getattr(campaign, side), name) is not None
    )
    message = (
        f"leaves only {', '.join(where)}, where no creative has both a placement and an arm: name"
        " others, or add them there"
    )
    yield document.problem(next(fields, ("creatives",)), message)


def _fits(campaign: CampaignFile, site: Ground) -> bool:
    places = placements_of(campaign) & site.placements
    return any(
        not places.isdisjoint(creative.placements)
        and (creative.arms is None or not site.arms.isdisjoint(creative.arms))
        for creative in campaign.creatives
    )


def _articles(
    document: Document, campaign: CampaignFile, where: Sequence[Ground]
) -> Iterator[Problem]:
    """Hold `path` against the articles of the sites."""
    wanted, refused = campaign.target.path, campaign.exclude.path or ()
    if wanted is None and not refused:
        return
    left = _left(campaign, where)
    if not left:
        message = "leaves no article of the campaign's sites: name fewer"
        yield document.problem(("exclude", PATH), message)
        return
    listed = ", ".join(dict.fromkeys(left))[:_LISTED_CHARS]
    message = f"no site of this campaign has such articles; their paths are {listed}"
    if not _admitted(campaign, left):
        yield document.problem(("target", PATH), message)
        return
    for i, glob in enumerate(wanted or ()):
        if any(glob_covers(wide, glob) for wide in refused):
            continue  # which is warned of by itself
        if not any(globs_meet(glob, article.partition("?")[0]) for article in left):
            yield document.problem(("target", PATH, i), message, warning=True)


def _admitted(campaign: CampaignFile, left: Sequence[str]) -> bool:
    """Say whether one of these articles may have a path that the campaign takes."""
    if campaign.target.path is None:
        return bool(left)
    refused, paths = campaign.exclude.path or (), [_path_of(article) for article in left]
    return any(
        any(globs_meet(glob, path) for path in paths)
        for glob in campaign.target.path
        if not any(glob_covers(wide, glob) for wide in refused)
    )


def _left(campaign: CampaignFile, where: Sequence[Ground]) -> list[str]:
    """Return the articles of sites, path and query, that are not refused altogether."""
    refused = campaign.exclude.path or ()
    return [
        one
        for site in where
        for one in site.articles
        if not any(glob_covers(wide, _path_of(one)) for wide in refused)
    ]


def _path_of(article: str) -> str:
    """Return the glob of all paths that articles have: a `*` may be the rest of one and a query."""
    path = article.partition("?")[0]
    begin, star, _ = path.partition("*")
    return begin + star
