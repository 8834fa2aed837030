"""What handlers find under the application's keys; builds none of it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from aiohttp import web

from service.domain.catalog import Catalog
from service.domain.choosing import Draw
from service.domain.plans import Plan
from service.flows.decide import Decider
from service.flows.explain import Explainer
from service.flows.follow import Follower
from service.flows.ports import Agents, Clock
from service.flows.record import Recorder
from service.flows.report import Reports
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Health:
    """Whether requests should come here, and how each dependency is, in a word or a sentence."""

    ready: bool
    checks: dict[str, str]


@dataclass(frozen=True, slots=True)
class Services:
    """All that handlers use; `public_url` has no trailing slash and may have a path.

    `locate` tells an address's country, one of `countries`: ISO 3166 and `zz`, in lower case.
    """

    public_url: str
    plan: Callable[[], Plan]
    decider: Decider
    explainer: Explainer
    recorder: Recorder
    follower: Follower
    report: Reports
    agents: Agents
    locate: Callable[[str], str]
    countries: Collection[str]
    draw: Draw
    metrics: Metrics
    log: LogEvent
    health: Callable[[], Health]
    now_ms: Clock
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    country_header: str | None = None
    report_auth: str | None = None

    def catalog(self) -> Catalog:
        """Return the configuration in use."""
        return self.plan().catalog


SERVICES = web.AppKey("SERVICES", Services)
