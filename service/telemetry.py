"""The instruments ops read: Prometheus metrics and structured logs; decides nothing.

Labels come only from the configuration or closed sets; whatever else becomes `other`.
"""

import logging
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import accumulate

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

CAMPAIGNS_MAX = 100
SITES_MAX = 20  # the first sites of the configuration; the rest share `other`
TALLY_SERIES_MAX = 200  # the first that were counted; the rest are one series of `other`
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
LogEvent = structlog.typing.FilteringBoundLogger


class Tally(Collector):
    """A counter for the hot path: a plain dictionary that becomes samples when scraped.

    A labelled `inc()` of the client library costs several times the addition it stands for.
    """

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self.counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def collect(self) -> Iterator[Metric]:
        """Yield the one family."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        counts = list(self.counts.items())
        for values, count in counts[:TALLY_SERIES_MAX]:
            family.add_metric(values, count)
        if rest := counts[TALLY_SERIES_MAX:]:
            family.add_metric(["other"] * len(self._labels), sum(count for _, count in rest))
        yield family


class Durations(Collector):
    """A histogram for the hot path, in seconds, over `LATENCY_BUCKETS_S`."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._buckets: dict[tuple[str, ...], list[int]] = {}
        self._sums: defaultdict[tuple[str, ...], float] = defaultdict(float)

    def observe(self, labels: tuple[str, ...], seconds: float) -> None:
        """Add one observation."""
        buckets = self._buckets.get(labels)
        if buckets is None:
            buckets = self._buckets[labels] = [0] * (len(LATENCY_BUCKETS_S) + 1)
        buckets[bisect_left(LATENCY_BUCKETS_S, seconds)] += 1
        self._sums[labels] += seconds

    def collect(self) -> Iterator[Metric]:
        """Yield the one family, buckets cumulated as Prometheus wants them."""
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        bounds = [*map(str, LATENCY_BUCKETS_S), "+Inf"]
        for values, buckets in list(self._buckets.items()):
            cumulated = list(zip(bounds, map(float, accumulate(buckets)), strict=True))
            family.add_metric(values, cumulated, self._sums[values])
        yield family


class Metrics:
    """Every series of the service on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Else every counter has a second series, with the moment of its first event.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's, untyped
        self.registry = registry
        self._sites: frozenset[str] = frozenset()
        self.decisions = Tally(
            "handbill_decisions", "Placements decided.", ("site", "placement", "outcome")
        )
        self.events_received = Tally(
            "handbill_events_received", "Events offered, whatever became of them.", ("kind",)
        )
        self.events = Counter(
            "handbill_events",
            "Events counted in Redis, by verdict.",
            ("site", "kind", "verdict"),
            registry=registry,
        )
        self.redirects = Tally(
            "handbill_redirects",
            "Readers sent on, and whether it was counted.",
            ("kind", "outcome"),
        )
        self.requests = Durations(
            "handbill_http_request_duration_seconds",
            "Time to answer.",
            ("listener", "route", "status"),
        )
        for collector in (self.decisions, self.events_received, self.redirects, self.requests):
            registry.register(collector)
        self.journal_events = Gauge(
            "handbill_journal_events",
            "Events in the journal that Redis has not applied.",
            registry=registry,
        )
        self.journal_oldest_s = Gauge(
            "handbill_journal_oldest_unshipped_seconds",
            "Age of the oldest unshipped event.",
            registry=registry,
        )
        self.journal_commit_s = Histogram(
            "handbill_journal_commit_seconds",
            "Time of one commit to disk.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.ship_row_s = Histogram(
            "handbill_ship_row_seconds",
            "Time for Redis to apply one row.",
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.shipped = Counter(
            "handbill_shipped_events", "Events applied to Redis.", registry=registry
        )
        self.refused = Counter(
            "handbill_events_refused",
            "Events refused, not acknowledged.",
            ("reason",),
            registry=registry,
        )
        self.unrecoverable = Counter(
            "handbill_events_unrecoverable",
            "Events that Redis lost and no journal retains.",
            registry=registry,
        )
        self.rollbacks = Counter(
            "handbill_redis_rollbacks",
            "Times Redis came back older than it was.",
            registry=registry,
        )
        self.redis_up = Gauge(
            "handbill_redis_up", "1 while Redis answers the shipper.", registry=registry
        )
        self.plan_age_s = Gauge(
            "handbill_plan_age_seconds", "Age of the plan in use.", registry=registry
        )
        self.reload_successful = Gauge(
            "handbill_config_last_reload_successful",
            "1 if the last reload was taken.",
            registry=registry,
        )
        self._delivery = Gauge(
            "handbill_campaign_delivery_ratio",
            "Delivered over due by now, of the campaigns furthest from their line.",
            ("campaign",),
            registry=registry,
        )
        self.build = Gauge(
            "handbill_build_info",
            "The running version.",
            ("version", "python"),
            registry=registry,
        )

    def show_delivery(self, ratios: Mapping[str, float]) -> None:
        """Show the 100 campaigns that are furthest from their line, and no others."""
        furthest = sorted(ratios, key=lambda name: -abs(ratios[name] - 1.0))[:CAMPAIGNS_MAX]
        self._delivery.clear()
        for name in furthest:
            self._delivery.labels(name).set(ratios[name])

    def name_sites(self, sites: Collection[str]) -> None:
        """Let the first 20 sites of the configuration be labels; the rest become `other`."""
        self._sites = frozenset(sorted(sites)[:SITES_MAX])

    def site_label(self, site: str) -> str:
        """Return the site's label, `other` unless it is among the named ones."""
        return site if site in self._sites else "other"


def configure_logs(*, style: str) -> None:
    """Send structured logs to standard error, as `json` lines or `text` for a terminal."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def logger() -> LogEvent:
    """Return the structured logger; events are short phrases, facts are keyword arguments."""
    log: LogEvent = structlog.get_logger()
    return log
