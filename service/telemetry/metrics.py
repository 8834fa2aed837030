"""Every series that Prometheus reads; labels come only from the configuration or closed sets.

Whatever else becomes `other`.
"""

from collections.abc import Collection, Mapping
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

from service.telemetry.collectors import LATENCY_BUCKETS_S, Durations, Tally

CAMPAIGNS_MAX = 100
SITES_MAX = 20  # the first sites of the configuration; the rest share `other`


class Metrics:
    """Every series of the service on one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # Else every counter has a second series, with the moment of its first event.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's, untyped
        self.registry = registry
        self._sites: frozenset[str] = frozenset()
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        seconds = partial(Histogram, registry=registry, buckets=LATENCY_BUCKETS_S)
        self.decisions = Tally(
            "handbill_decisions", "Placements decided.", ("site", "placement", "outcome")
        )
        self.events_received = Tally(
            "handbill_events_received", "Events offered, whatever became of them.", ("kind",)
        )
        self.redirects = Tally(
            "handbill_redirects",
            "Readers sent on, and whether it was counted.",
            ("kind", "outcome"),
        )
        self.requests = Durations(
            "handbill_http_request_duration_seconds", "Time to answer.",
            ("listener", "route", "status"),
        )  # fmt: skip
        for collector in (self.decisions, self.events_received, self.redirects, self.requests):
            registry.register(collector)
        self.events = counter(
            "handbill_events", "Events counted in Redis, by verdict.", ("site", "kind", "verdict")
        )
        self.journal_events = gauge(
            "handbill_journal_events", "Events in the journal that Redis has not applied."
        )
        self.journal_oldest_s = gauge(
            "handbill_journal_oldest_unshipped_seconds", "Age of the oldest unshipped event."
        )
        self.journal_commit_s = seconds(
            "handbill_journal_commit_seconds", "Time of one commit to disk."
        )
        self.ship_row_s = seconds("handbill_ship_row_seconds", "Time for Redis to apply one row.")
        self.shipped = counter("handbill_shipped_events", "Events applied to Redis.")
        self.refused = counter(
            "handbill_events_refused", "Events refused, not acknowledged.", ("reason",)
        )
        self.unrecoverable = counter(
            "handbill_events_unrecoverable", "Events that Redis lost and no journal retains."
        )
        self.rollbacks = counter(
            "handbill_redis_rollbacks", "Times Redis came back older than it was."
        )
        self.redis_up = gauge("handbill_redis_up", "1 while Redis answers the shipper.")
        self.plan_age_s = gauge("handbill_plan_age_seconds", "Age of the plan in use.")
        self.reload_successful = gauge(
            "handbill_config_last_reload_successful", "1 if the last reload was taken."
        )
        self._delivery = gauge(
            "handbill_campaign_delivery_ratio",
            "Delivered over due by now, of the campaigns furthest from their line.",
            ("campaign",),
        )
        self.build = gauge("handbill_build_info", "The running version.", ("version", "python"))

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
