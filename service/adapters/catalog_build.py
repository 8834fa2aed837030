"""Checked models to the domain's values; decides nothing and finds no faults."""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from service.adapters.catalog_campaign_models import CampaignFile, CreativeModel, FlightModel
from service.adapters.catalog_models import NETWORK_CODES, AppFile, NetworksFile
from service.adapters.catalog_site_models import SiteFile
from service.domain.ads import (
    AndroidStore,
    App,
    Campaign,
    Cap,
    Creative,
    Flight,
    Goal,
    Image,
    IosStore,
    Tier,
)
from service.domain.catalog import Catalog
from service.domain.sharing import Network
from service.domain.sites import Experiment, Labels, Placement, Repeat, Site

# The browser's own networks, for configurations that do not list them: name and preferred code.
_BUILT_IN = {"native": ("Device", 15), "copy": ("Copy link", 14)}


Networks = Mapping[str, Network]
Value = Site | App | Campaign | Networks


def value_of(model: BaseModel) -> Value:
    """Return what a model describes, which passed every check."""
    if isinstance(model, SiteFile):
        return _site(model)
    if isinstance(model, AppFile):
        return _app(model)
    if isinstance(model, CampaignFile):
        return _campaign(model)
    assert isinstance(model, NetworksFile)
    return _networks(model)


def build(values: Iterable[Value], version: str) -> Catalog:
    """Return the catalogue of these values, in their order."""
    sites: dict[str, Site] = {}
    apps: dict[str, App] = {}
    campaigns: dict[str, Campaign] = {}
    networks: Networks = {}
    for value in values:
        if isinstance(value, Site):
            sites[value.id] = value
        elif isinstance(value, App):
            apps[value.id] = value
        elif isinstance(value, Campaign):
            campaigns[value.id] = value
        else:
            networks = value
    return Catalog(sites, networks, apps, campaigns, version)


def _networks(file: NetworksFile) -> dict[str, Network]:
    found = {
        name: Network(name, entry.code, entry.name, entry.url, str(entry.checked or ""))
        for name, entry in file.networks.items()
    }
    for name, (label, preferred) in _BUILT_IN.items():
        if name not in found:
            free = set(NETWORK_CODES) - {network.code for network in found.values()}
            code = preferred if preferred in free else max(free)
            found[name] = Network(name, code, label, None)
    return found


def _site(file: SiteFile) -> Site:
    return Site(
        id=file.id,
        name=file.name,
        origins=frozenset(file.origins),
        articles=tuple(file.articles),
        placements=tuple(Placement(name, entry.code) for name, entry in file.placements.items()),
        share=tuple(file.share),
        fallback=file.fallback,
        language=file.language,
        timezone=file.timezone,
        labels=Labels(file.labels.advertisement, file.labels.share),
        repeat=Repeat(file.repeat),
        experiment=Experiment(
            file.experiment.salt,
            file.experiment.holdout,
            {str(arm): share for arm, share in file.experiment.arms.items()},
            file.experiment.guard,
        ),
    )


def _app(file: AppFile) -> App:
    return App(
        id=file.id,
        name=file.name,
        ios=IosStore(file.ios.id, file.ios.provider) if file.ios else None,
        android=AndroidStore(file.android.package) if file.android else None,
    )


def _campaign(file: CampaignFile) -> Campaign:
    return Campaign(
        id=file.id,
        app=file.app,
        tier=Tier[file.tier.upper()],
        creatives=tuple(_creative(creative) for creative in file.creatives),
        flights=tuple(_flight(flight) for flight in file.flights),
        weight=file.weight,
        paused=file.paused,
        sponsored=file.sponsored,
        sites=None if file.sites is None else frozenset(file.sites),
        target=file.target.values(),
        exclude=file.exclude.values(),
        cap=Cap(file.cap.max, file.cap.hours) if file.cap else None,
        timezone=file.timezone,
        exclusive=file.exclusive,
        competes=frozenset(file.competes),
        front_loaded=file.pacing == "front",
        optimise=file.optimise,
    )


def _creative(file: CreativeModel) -> Creative:
    image = file.image
    return Creative(
        id=file.id,
        headline=file.headline,
        placements=tuple(file.placements),
        body=file.body,
        cta=file.cta,
        image=Image(image.url, image.width, image.height, image.alt) if image else None,
        weight=file.weight,
        arms=None if file.arms is None else frozenset(file.arms),
    )


def _flight(file: FlightModel) -> Flight:
    goal = file.goal
    return Flight(
        start=file.start,
        end=file.end,
        goal=Goal(goal.impressions, goal.clicks, goal.per_day) if goal else None,
    )
