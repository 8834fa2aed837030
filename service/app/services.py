"""Opens every adapter in order, hands them to the flows, and closes them in reverse."""

import asyncio
import platform
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CollectorRegistry

from service import __version__
from service.adapters.agents import AgentLists
from service.adapters.catalog import load_catalog
from service.adapters.clock import SteadyClock
from service.adapters.embedded_engine import EmbeddedEngine
from service.adapters.journal import Journal, JournalLimits
from service.adapters.key_file import KeyFile, create_key_file
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_counts import RedisCounts
from service.adapters.redis_link import RedisLink
from service.app.house import House
from service.flows.decide import Decider, Serials
from service.flows.follow import Follower
from service.flows.plan import Planner
from service.flows.record import Recorder
from service.flows.report import Reports
from service.flows.ship import Shipper
from service.settings import Settings
from service.telemetry import Metrics, logger
from service.web.keys import Services


@asynccontextmanager
async def open_house(settings: Settings, public_url: str) -> AsyncIterator[House]:
    """Yield the running house; raises `BadConfiguration` before anything half-configured serves."""
    catalog, warnings = load_catalog(settings.config)
    log, metrics = logger(), Metrics(CollectorRegistry())
    for warning in warnings:
        log.warning("configuration", problem=str(warning))
    if settings.embedded or settings.keys.exists():
        pass
    clock = SteadyClock()
    key_file = _keys(settings)
    async with AsyncExitStack() as stack:
        journal = await Journal.open(
            settings.data / "journal",
            limits=JournalLimits(max_bytes=settings.journal_max_bytes),
            metrics=metrics,
        )
        stack.push_async_callback(journal.close)
        redis_url = settings.redis_url
        if redis_url is None:
            engine = EmbeddedEngine(settings.data / "redis", settings.embedded_bin)
            redis_url = await engine.start()
            stack.push_async_callback(engine.stop)
