"""What a campaign gets wrong against sites, networks and apps.

Works on checked models, so that one fault is not reported twice.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_dimensions import left, takes_direct
from service.adapters.catalog_documents import Document
from service.adapters.catalog_grounds import Sites
from service.adapters.catalog_models import AppFile
from service.adapters.catalog_reach import placement_left, reach, site_left, sites_of
from service.domain.audience import Platform
from service.domain.errors import Problem
from service.domain.sharing import BROWSER_NETWORKS
from service.domain.targeting import ANYONE, DIRECT, PLATFORM, SOURCE


@dataclass(frozen=True, slots=True)
class Around:
    """What a campaign is judged by: sites, networks (None: unknown), apps, the hour it is.

    `names` are those of all sites, also of such that offer what cannot be told; `every` says that
    there are no others. `hour` counts since the epoch.
    """

    sites: Sites
    names: Set[str]
    every: bool
    networks: Set[str] | None
    apps: Mapping[str, AppFile]
    hour: int


def campaign_check(document: Document, campaign: CampaignFile, around: Around) -> Iterator[Problem]:
    """Yield every problem between a campaign and the rest."""
    named = {*(around.names if campaign.sites is None else campaign.sites)}
    named.update(campaign.target.site or ())
    # Where one of its sites cannot be told, that one may have what the others lack.
    told = named <= around.sites.keys() and (around.every or campaign.sites is not None)
    if around.networks is not None:
        yield from _sources(document, campaign, around.networks, around.sites if told else {})
    if around.every:
        yield from site_left(document, campaign, around.names)
    yield from placement_left(document, campaign)
    if told:
        yield from reach(document, campaign, around.sites)
    if campaign.app in around.apps:
        yield from _stores(document, campaign, around.apps[campaign.app])


def _sources(
    document: Document, campaign: CampaignFile, networks: Set[str], sites: Sites
) -> Iterator[Problem]:
    known = {*networks, *BROWSER_NETWORKS, DIRECT}
    for side in ("target", "exclude"):
        for i, name in enumerate(getattr(campaign, side).source or ()):
            if name not in known:
                listed = ", ".join(sorted(known))
                message = f"there is no network `{name}`; there are: {listed}"
                yield document.problem((side, SOURCE, i), message)
    if campaign.target.source is not None:
        yield from _offered(document, campaign, known, sites)
    elif campaign.exclude.source is not None:
        yield from _all_refused(document, campaign, known)


def _all_refused(document: Document, campaign: CampaignFile, known: Set[str]) -> Iterator[Problem]:
    target, exclude = campaign.target.values(), campaign.exclude.values()
    if known - {DIRECT} <= exclude[SOURCE] and not takes_direct(target, exclude):
        message = "leaves only links of networks that are gone from networks.yaml: name fewer"
        yield document.problem(("exclude", SOURCE), message, warning=True)


def _offered(
    document: Document, campaign: CampaignFile, known: Set[str], sites: Sites
) -> Iterator[Problem]:
    """Warn of networks that no site of the campaign offers: only old links bring such readers."""
    where = sites_of(campaign, sites)
    shares = [sites[site].share for site in where]
    offered = {name for share in shares for name in share or ()} | {*BROWSER_NETWORKS, DIRECT}
    told = shares and None not in shares
    for i, name in enumerate((campaign.target.source or ()) if told else ()):
        if name in known and name not in offered:
            message = f"no site of this campaign offers {name}: add it to a site's `share`"
            yield document.problem(("target", SOURCE, i), message, warning=True)


def _stores(document: Document, campaign: CampaignFile, app: AppFile) -> Iterator[Problem]:
    """Warn of campaigns for telephones that the app has no store for."""
    stores = {Platform.IOS.label: app.ios, Platform.ANDROID.label: app.android}
    if all(stores.values()):
        return
    target, exclude = campaign.target.values(), campaign.exclude.values()
    platforms = sorted((left(PLATFORM, target, exclude) or frozenset()) - {ANYONE})
    if platforms and all(name in stores and stores[name] is None for name in platforms):
        side = "target" if PLATFORM in target else "exclude"
        message = f"the app `{app.id}` has no store for {' and '.join(platforms)}: add it there"
        yield document.problem((side, PLATFORM), message, warning=True)
