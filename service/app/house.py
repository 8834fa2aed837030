"""What runs beside the requests: ticks, watchers, shipping; and how all of it is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from service.adapters.catalog import CatalogFiles
from service.adapters.catalog_watch import watch_catalog
from service.adapters.clock import SteadyClock
from service.adapters.journal import Journal
from service.adapters.key_file import KeyFile
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem, RedisAway
from service.flows.pace import Budgets
from service.flows.plan import Planner
from service.flows.ship import Shipper
from service.settings.values import Settings
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics
from service.web.demo import SITE as DEMO_SITE
from service.web.keys import Health, Services

TICK_S = 1.0
RESTART_S = 1.0
CANCEL_AGAIN_S = 1.0
INSPECT_S, INSPECT_AGAIN_S = 600.0, 5.0


@dataclass(slots=True)
class House:
    """The running parts; `ready` is the life cycle's word."""

    settings: Settings
    files: CatalogFiles
    public_url: str
    planner: Planner
    clock: SteadyClock
    key_file: KeyFile
    journal: Journal
    shipper: Shipper
    metrics: Metrics
    log: LogEvent
    budgets: Budgets
    remarks: Callable[[], Awaitable[list[str]]]
    services: Services = field(init=False)
    ready: bool = False
    reload: str = "ok"

    @property
    def failed(self) -> asyncio.Event:
        """Set when the service must end: it cannot make anything durable any more."""
        return self.journal.failed

    def health(self) -> Health:
        """Say how each part is; Redis away is no reason to send readers elsewhere."""
        refusing = self.journal.refusing
        checks = {
            "service": "serving" if self.ready else "starting or draining",
            "catalog": self.reload,
            "journal": f"refusing: {refusing}" if refusing else "ok",
            "redis": self.shipper.state,
            "plan": f"{self.plan_age_s():.0f} s old",
        }
        return Health(self.ready and refusing is None, checks)

    async def tick(self) -> None:
        """Follow the clock and read changed keys: once a second, for ever."""
        while True:
            if self.clock.follow():
                self.log.warning("the wall clock jumped; followed if it stays for a minute")
            self._reread_keys()
            await asyncio.sleep(TICK_S)

    async def plan(self) -> None:
        """Renew the plan from what was counted: once a second, for ever."""
        while True:
            await self.planner.renew()
            self.metrics.show_delivery(self.budgets.ratios)
            await asyncio.sleep(TICK_S)

    async def inspect(self) -> None:
        """Warn of what Redis is not set up for, once it can be asked, and when that changes."""
        said: list[str] = []
        while True:
            try:
                found = await self.remarks()
            except RedisAway:
                await asyncio.sleep(INSPECT_AGAIN_S)
                continue
            for remark in found:
                if remark not in said:
                    self.log.warning("Redis", setting=remark)
            said = found
            await asyncio.sleep(INSPECT_S)

    async def watch(self) -> None:
        """Take each sound change of the configuration; refuse the others whole."""
        version = self.planner.plan.catalog.version
        await watch_catalog(self.files, self.changed, version=version)

    async def changed(
        self, found: Catalog | BadConfiguration, warnings: tuple[Problem, ...]
    ) -> None:
        """Put a new catalogue to work, or say why the old one stays."""
        if isinstance(found, BadConfiguration):
            for problem in found.problems:
                self.log.error("configuration refused", problem=str(problem))
            self.reload = f"last change refused: {len(found.problems)} problems, see the log"
            self.metrics.reload_successful.set(0)
            return
        for warning in warnings:
            self.log.warning("configuration", problem=str(warning))
        await self.planner.adopt(with_demo(found, self.settings, self.public_url))
        self.metrics.name_sites(found.sites)
        self.metrics.reload_successful.set(1)
        self.reload = "ok"
        self.log.info("configuration in use", version=found.version[:12])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run all that goes on beside the requests until the block ends."""
        parts = {
            "tick": self.tick,
            "plan": self.plan,
            "watch": self.watch,
            "journal": self.journal.tick,
            "ship": self.shipper.run,
            "inspect": self.inspect,
        }
        tasks = [
            asyncio.create_task(self.supervised(name, run), name=name)
            for name, run in parts.items()
        ]
        try:
            yield
        finally:
            await ended(tasks)

    async def supervised(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part that must never end; log and start it again when it does."""
        while True:
            try:
                await run()
            except Exception as error:
                self.log.error("background part failed", part=name, exc_info=error)
            await asyncio.sleep(RESTART_S)

    def _reread_keys(self) -> None:
        try:
            if self.key_file.reread():
                self.log.info("token keys read again")
        except BadConfiguration as bad:
            self.log.error("token keys refused, the old ones stay", problem=str(bad))

    def plan_age_s(self) -> float:
        """Return how old the plan in use is, in seconds."""
        return (self.clock.now_ms() - self.planner.plan.made_ms) / 1_000


async def ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: a `wait_for` may drop a cancellation (until Python 3.12)."""
    going_on = {*tasks}
    while going_on:
        for task in going_on:
            task.cancel()
        _, going_on = await asyncio.wait(going_on, timeout=CANCEL_AGAIN_S)


def with_demo(catalog: Catalog, settings: Settings, public_url: str) -> Catalog:
    """Return the catalogue; where there is a demo, with its own origins let into its site."""
    site = catalog.sites.get(DEMO_SITE)
    if site is None or not settings.demo:
        return catalog
    scheme, _, rest = public_url.partition("://")
    host = rest.partition("/")[0]
    # People type one name of their own machine as readily as the other.
    names = {host, host.replace("127.0.0.1", "localhost"), host.replace("localhost", "127.0.0.1")}
    origins = site.origins | {f"{scheme}://{name}" for name in names}
    return replace(catalog, sites={**catalog.sites, site.id: replace(site, origins=origins)})
