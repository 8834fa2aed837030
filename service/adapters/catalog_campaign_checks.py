"""What campaigns get wrong together or against sites: exclusives that overlap, arms, sources.

Works on checked models, so that one fault is not reported twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from service.adapters.catalog_campaign_models import CampaignFile, FlightModel
from service.adapters.catalog_documents import Document
from service.adapters.catalog_models import NetworksFile
from service.adapters.catalog_site_models import SiteFile
from service.adapters.catalog_targeting import Targeting
from service.domain.articles import glob_matches
from service.domain.errors import Problem
from service.domain.targeting import DIRECT, LANGUAGE, PATH, TAG, TIME_DIMENSIONS
from service.flows.unhurried import unhurried

Checked = tuple[Document, CampaignFile]


def campaign_checks(
    campaigns: Sequence[Checked], sites: Mapping[str, SiteFile], networks: NetworksFile | None
) -> Iterator[Problem]:
    """Yield every problem between campaigns, sites and networks."""
    exclusives = [(document, one) for document, one in campaigns if one.exclusive]
    for number, (document, one) in enumerate(exclusives, 1):
        clashes = [other for other in exclusives[number:] if _clash(one, other[1], sites)]
        if clashes:
            names = ", ".join(
                f"`{other.id}` ({where.file}:{where.marks.line_of(('id',))})"
                for where, other in clashes
            )
            message = (
                f"overlaps the exclusive campaign{'s' * (len(clashes) > 1)} {names} on the same"
                " site and placement: move a flight, or target different readers"
            )
            yield document.problem(("exclusive",), message)
    for document, campaign in unhurried(campaigns):
        yield from _sources(document, campaign, networks)
        yield from _reachable(document, campaign, sites)


def _clash(one: CampaignFile, other: CampaignFile, sites: Mapping[str, SiteFile]) -> bool:
    if one.tier != other.tier or one.paused or other.paused:
        return False
    if not set(_sites(one, sites)) & set(_sites(other, sites)):
        return False
    if not _placements(one) & _placements(other):
        return False
    if not any(_overlap(a, b) for a in one.flights for b in other.flights):
        return False
    return all(_meet(name, one, other) for name in Targeting.model_fields)


def _meet(name: str, one: CampaignFile, other: CampaignFile) -> bool:
    """Say whether some page view may suit both campaigns in a dimension."""
    if name == TAG or (name in TIME_DIMENSIONS and one.timezone != other.timezone):
        return True
    mine, theirs = one.target.values().get(name), other.target.values().get(name)
    if mine and theirs:
        alike = _ALIKE.get(name, str.__eq__)
        return any(alike(a, b) or alike(b, a) for a in mine for b in theirs)
    if name in _ALIKE:
        return True
    wanted = mine or theirs or frozenset()
    refused = (other if mine else one).exclude.values().get(name, frozenset())
    return not wanted or not wanted <= refused


def _takes_language(wanted: str, other: str) -> bool:
    return other == wanted or other.startswith(f"{wanted}-")


def _paths_meet(one: str, other: str) -> bool:
    """Say whether one path may match both globs, as far as their beginnings tell."""
    if "*" not in other:
        return glob_matches(one, other)
    return "*" in one and other.partition("*")[0].startswith(one.partition("*")[0])


_ALIKE: Mapping[str, Callable[[str, str], bool]] = {LANGUAGE: _takes_language, PATH: _paths_meet}


def _sources(
    document: Document, campaign: CampaignFile, networks: NetworksFile | None
) -> Iterator[Problem]:
    if networks is None:
        return
    known = {*networks.networks, "copy", "native", DIRECT}
    for side in ("target", "exclude"):
        for i, name in enumerate(getattr(campaign, side).source or ()):
            if name not in known:
                listed = ", ".join(sorted(known))
                message = f"there is no network `{name}`; there are: {listed}"
                yield document.problem((side, "source", i), message)


def _reachable(
    document: Document, campaign: CampaignFile, sites: Mapping[str, SiteFile]
) -> Iterator[Problem]:
    """Yield what can never show: no site, no placement, or only in arms that no site has."""
    where = _sites(campaign, sites)
    asked = campaign.target.site
    if asked is not None and not where and sites.keys() & asked:
        message = "leaves no site of `sites`: name sites in one of the two places"
        yield document.problem(("target", "site"), message)
    elif campaign.exclude.site is not None and not where and sites:
        yield document.problem(("exclude", "site"), "leaves no site: name fewer")
    wanted = campaign.target.placement
    if wanted is not None and not _placements(campaign):
        message = "none of the creatives fits there: name placements of the creatives"
        yield document.problem(("target", "placement"), message)
    elif campaign.exclude.placement is not None and not _placements(campaign):
        message = "leaves no placement of the creatives: name fewer"
        yield document.problem(("exclude", "placement"), message)
    arms = {arm for name in where for arm in sites[name].experiment.arms}
    for i, creative in enumerate(campaign.creatives):
        for k, arm in enumerate(creative.arms or ()):
            if where and arm not in arms:
                message = f"no site of this campaign has an arm `{arm}`: add it to `experiment`"
                yield document.problem(("creatives", i, "arms", k), message)


def _sites(campaign: CampaignFile, sites: Mapping[str, SiteFile]) -> list[str]:
    named = set(sites if campaign.sites is None else campaign.sites)
    named &= named if campaign.target.site is None else set(campaign.target.site)
    named -= set(campaign.exclude.site or ())
    return [name for name in sites if name in named]


def _placements(campaign: CampaignFile) -> set[str]:
    fitting = {name for creative in campaign.creatives for name in creative.placements}
    wanted = campaign.target.placement
    found = fitting if wanted is None else fitting & set(wanted)
    return found - set(campaign.exclude.placement or ())


def _overlap(one: FlightModel, other: FlightModel) -> bool:
    begins = max(one.start, other.start)
    return all(end is None or begins < end for end in (one.end, other.end))
