"""A shipper between journals in memory and a Redis of plain Python, and what it said and counted.

To be used on a loop whose hours pass at once, see `time_travel`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from structlog.testing import LogCapture

from service.domain.errors import ShardHalted
from service.domain.events import CHUNK_TOKENS, HOUR_MS, Event
from service.flows.accounts import Accounts
from service.flows.ship import Shipper, Timing
from service.telemetry.metrics import Metrics
from tests.fakes_journal import MemoryJournals
from tests.journals import logging_to
from tests.made import HOUR, OTHER_JOURNAL, SHARD, page
from tests.model_counts import ModelCounts
from tests.time_travel import now_s

AT_ONCE_S = 3.0  # longer than any pause between two attempts, shorter than between two rounds
A_ROUND_S = 6.0
MINUTE_S, HOUR_S = 60.0, 3_600.0
RETAINED_S = 900.0
THERE = SHARD + 1  # the shard of the second chunk of tokens
STRANGE = ShardHalted("a strange key", lasting=False)
HALF_WRITTEN = ShardHalted("the script failed", lasting=True)


@dataclass
class Port:
    """What a shipper works between."""

    journals: MemoryJournals
    redis: ModelCounts
    registry: CollectorRegistry
    capture: LogCapture
    shipper: Shipper

    @property
    def said(self) -> Counter[str]:
        """How often each phrase was logged."""
        return Counter(entry["event"] for entry in self.capture.entries)

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value, 0 if there is none yet."""
        return self.registry.get_sample_value(f"handbill_{name}", labels) or 0.0

    def told(self, verdict: str) -> float:
        """Return how many events metrics say were counted so."""
        return sum(
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == "handbill_events_total" and sample.labels["verdict"] == verdict
        )

    @asynccontextmanager
    async def shipping(self) -> AsyncIterator[None]:
        """Ship until the block ends."""
        running = asyncio.create_task(self.shipper.run())
        await asyncio.sleep(0)
        try:
            yield
            assert not running.done(), "the shipper must never end by itself"
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def port(
    journals: MemoryJournals | None = None, redis: ModelCounts | None = None,
    timing: Timing | None = None,
) -> Port:  # fmt: skip
    """Return the parts, connected; nothing is shipped yet."""
    journals, redis = journals or MemoryJournals(), redis or ModelCounts()
    registry, capture = CollectorRegistry(), LogCapture()
    metrics = Metrics(registry)
    metrics.name_sites(["example"])
    shipper = Shipper(
        journals, journals, redis,
        accounts=Accounts(metrics, logging_to(capture), steady=now_s),
        clock=lambda: HOUR * HOUR_MS + int(now_s() * 1_000),
        timing=timing or Timing(steady=now_s),
    )  # fmt: skip
    journals.announce = shipper.committed
    return Port(journals, redis, registry, capture, shipper)


def pages(first: int, number: int, *, chunk: int = 0) -> list[list[Event]]:
    """Return the events of page views, one after the other."""
    return [page(chunk * CHUNK_TOKENS + serial) for serial in range(first, first + number)]


async def commit(made: Port, first: int, number: int = 1, *, chunk: int = 0) -> None:
    """Commit page views, a row each."""
    for events in pages(first, number, chunk=chunk):
        made.journals.commit(*events)
        await asyncio.sleep(0)


def left_behind(
    made: Port, number: int = 1, *, journal: str = OTHER_JOURNAL, first: int = 0
) -> None:
    """Have a dead process's journal of so many page views."""
    for events in pages(first, number):
        made.journals.commit(*events, journal=journal)
