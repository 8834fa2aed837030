"""Opens every adapter in order, hands them to the flows, and closes them in reverse."""

import gc
import os
import platform
import random
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from prometheus_client import CollectorRegistry

from service import __version__
from service.adapters.agents import AgentLists
from service.adapters.catalog import CatalogFiles
from service.adapters.clock import SteadyClock
from service.adapters.countries import countries, locator
from service.adapters.crash_points import VARIABLE, armed
from service.adapters.embedded_engine import EmbeddedEngine
from service.adapters.journal import Journal
from service.adapters.journal_room import JournalLimits
from service.adapters.key_file import KeyFile, create_key_file
from service.adapters.redis_applier import TIMEOUT_S, RedisApplier
from service.adapters.redis_counts import RedisCounts
from service.adapters.redis_link import RedisLink
from service.adapters.redis_settings import setting_remarks
from service.app.house import House, with_demo
from service.domain.delays import Delays
from service.domain.plans import Plan
from service.domain.tokens import Signer
from service.flows.accounts import Accounts
from service.flows.decide import Decider
from service.flows.explain import Explainer
from service.flows.follow import Follower
from service.flows.lasting import lasting
from service.flows.pace import Budgets
from service.flows.plan import Planner
from service.flows.record import Recorder
from service.flows.report import Reports
from service.flows.serials import Serials
from service.flows.ship import Shipper, Timing
from service.flows.tallies import Tallies
from service.settings.values import Settings
from service.telemetry.logs import logger
from service.telemetry.metrics import Metrics
from service.web.keys import Services

READ_TIMEOUT_S = 5.0  # reports read much at once; readers never wait for it
PLAN_TIMEOUT_S = 1.0  # for one batch: while Redis hangs, plans go on without it
SWITCH_S = 0.000_25  # a thread with work keeps requests waiting so long, not 5 ms
GC_YOUNG = 10_000  # new objects before a look for garbage: 700 are the events of a few turns


@asynccontextmanager
async def open_house(settings: Settings, public_url: str) -> AsyncIterator[House]:
    """Yield the running house; raises `BadConfiguration` before anything half-configured serves."""
    locate = locator(settings.country_db)
    files = CatalogFiles(settings.config)
    catalog, warnings = files.load()
    log, metrics, clock = logger(), Metrics(CollectorRegistry()), SteadyClock()
    reached = armed(os.environ.get(VARIABLE, ""))
    for warning in warnings:
        log.warning("configuration", problem=str(warning))
    key_file = _keys(settings)
    async with AsyncExitStack() as stack:
        redis_url = settings.redis_url or await _embedded(settings, stack)
        writing = _link(redis_url, TIMEOUT_S, stack)
        reading = _link(redis_url, READ_TIMEOUT_S, stack)
        journal = Journal(
            settings.data / "journal",
            limits=JournalLimits(max_bytes=settings.journal_max_bytes),
            clock=clock.now_ms,
            metrics=metrics,
            log=log,
            reached=reached,
        )
        await journal.open()
        stack.push_async_callback(journal.close)
        shipper = Shipper(
            journal,
            journal,
            RedisApplier(writing, reached=reached),
            accounts=Accounts(metrics, log),
            clock=clock.now_ms,
            timing=Timing(),
        )
        journal.on_commit = shipper.committed
        delays = Delays()
        budgets = Budgets(delays.mean_s)
        tallies = Tallies(RedisCounts(reading, timeout_s=PLAN_TIMEOUT_S), clock.now_ms)
        stack.push_async_callback(tallies.close)
        with lasting():
            planner = Planner(
                with_demo(catalog, settings, public_url), clock.now_ms, tallies, budgets
            )
        house = House(
            settings, files, public_url, planner, clock, key_file, journal, shipper, metrics, log,
            budgets, partial(setting_remarks, writing),
        )  # fmt: skip
        house.services = _services(house, Reports(RedisCounts(reading)), delays, tallies, locate)
        _describe(house)
        gc.set_threshold(GC_YOUNG)
        sys.setswitchinterval(SWITCH_S)
        async with house.running():
            yield house


def _link(url: str, timeout_s: float, stack: AsyncExitStack) -> RedisLink:
    link = RedisLink(url, timeout_s=timeout_s)
    stack.push_async_callback(link.close)
    return link


def _services(
    house: House,
    reports: Reports,
    delays: Delays,
    tallies: Tallies,
    locate: Callable[[str], str],
) -> Services:
    """Put the flows together."""
    planner, clock, key_file = house.planner, house.clock, house.key_file
    serials = Serials(lambda: secrets.randbits(32))

    def plan() -> Plan:
        return planner.plan

    def signer() -> Signer:
        return key_file.signer

    decider = Decider(plan, signer, serials, clock=clock.now_ms, draw=random.random)
    return Services(
        public_url=house.public_url,
        plan=plan,
        decider=decider,
        explainer=Explainer(decider, tallies, house.budgets),
        recorder=Recorder(house.journal, plan, signer, serials, clock.now_ms, delays),
        follower=Follower(plan, signer, house.public_url),
        report=reports,
        agents=AgentLists(),
        locate=locate,
        countries=countries(),
        draw=random.random,
        metrics=house.metrics,
        log=house.log,
        health=house.health,
        now_ms=clock.now_ms,
        trusted_proxies=house.settings.trusted_proxies,
        country_header=house.settings.country_header,
        report_auth=house.settings.report_auth,
    )


def _describe(house: House) -> None:
    """Fill the gauges that hold from the start."""
    metrics = house.metrics
    metrics.build.labels(__version__, platform.python_version()).set(1)
    metrics.name_sites(house.planner.plan.catalog.sites)
    metrics.reload_successful.set(1)
    metrics.redis_up.set(0)
    metrics.plan_age_s.set_function(house.plan_age_s)


async def _embedded(settings: Settings, stack: AsyncExitStack) -> str:
    engine = EmbeddedEngine(settings.data / "redis", settings.embedded_bin)
    address = await engine.start()
    stack.push_async_callback(engine.stop)
    return address


def _keys(settings: Settings) -> KeyFile:
    """Read the token keys; make some at the first start, unless replicas are to share them."""
    if settings.embedded and not settings.keys.exists():
        create_key_file(settings.keys)
    return KeyFile(settings.keys)
