"""Every instrument is exposed as Prometheus reads it, under labels that nobody can make grow."""

import json
from collections.abc import Iterator
from math import inf

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from service.domain.events import Kind, Verdict
from service.telemetry.collectors import LATENCY_BUCKETS_S, TALLY_SERIES_MAX, Durations, Tally
from service.telemetry.logs import configure_logs, logger
from service.telemetry.metrics import CAMPAIGNS_MAX, SITES_MAX, Metrics

# Design § 10.
NAMES = {
    "handbill_decisions": ("site", "placement", "outcome"),
    "handbill_events_received": ("kind",),
    "handbill_events": ("site", "kind", "verdict"),
    "handbill_redirects": ("kind", "outcome"),
    "handbill_http_request_duration_seconds": ("listener", "route", "status"),
    "handbill_journal_events": (),
    "handbill_journal_oldest_unshipped_seconds": (),
    "handbill_journal_commit_seconds": (),
    "handbill_ship_row_seconds": (),
    "handbill_shipped_events": (),
    "handbill_events_refused": ("reason",),
    "handbill_events_unrecoverable": (),
    "handbill_redis_rollbacks": (),
    "handbill_redis_up": (),
    "handbill_plan_age_seconds": (),
    "handbill_config_last_reload_successful": (),
    "handbill_campaign_delivery_ratio": ("campaign",),
    "handbill_build_info": ("version", "python"),
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def test_the_series_are_the_designs_with_its_labels(metrics: Metrics) -> None:
    _use(metrics)
    families = _families(metrics)
    assert families.keys() == NAMES.keys()
    for name, labels in NAMES.items():
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == set(labels)
        assert families[name].documentation


def test_a_counter_is_one_series_and_no_second_one_of_its_first_moment(metrics: Metrics) -> None:
    _use(metrics)
    names = {sample.name for family in _families(metrics).values() for sample in family.samples}
    assert not [name for name in names if name.endswith("_created")]


def test_only_the_campaigns_furthest_from_their_line_are_series(metrics: Metrics) -> None:
    metrics.show_delivery({f"c-{n}": 1.0 + n / 1_000 for n in range(150)} | {"late": 0.2})
    family = _families(metrics)["handbill_campaign_delivery_ratio"]
    shown = {sample.labels["campaign"]: sample.value for sample in family.samples}
    assert len(shown) == CAMPAIGNS_MAX
    assert shown["late"] == 0.2
    assert {"c-149", "c-51"} <= shown.keys()
    metrics.show_delivery({})
    assert _families(metrics)["handbill_campaign_delivery_ratio"].samples == []


def test_a_tally_counts_by_labels(metrics: Metrics) -> None:
    metrics.redirects.counts["click", "recorded"] += 2
    metrics.redirects.counts[Kind.SHARE, "refused"] += 1
    assert _values(_families(metrics)["handbill_redirects"]) == {
        ("handbill_redirects_total", ("click", "recorded")): 2,
        ("handbill_redirects_total", ("share", "refused")): 1,
    }


def test_a_tallys_series_are_bounded_and_its_sum_is_whole() -> None:
    tally, last = Tally("t", "Things.", ("a", "b")), 0.0
    for n in range(TALLY_SERIES_MAX + 50):
        tally.counts[str(n), "x"] += 1
    for total in (TALLY_SERIES_MAX + 50, 2 * TALLY_SERIES_MAX + 100):
        values = _values(*_parsed(tally))
        assert len(values) == TALLY_SERIES_MAX + 1
        assert sum(values.values()) == total
        # The rest never falls: a counter that does would count as started anew.
        assert values["t_total", ("other", "other")] > last
        last = values["t_total", ("other", "other")]
        for labels in tally.counts:
            tally.counts[labels] += 1


def test_durations_are_a_cumulative_histogram() -> None:
    durations = Durations("d_seconds", "Time.", ("route",))
    for seconds in (0.0, 0.001, 0.0011, 0.25, 7.0):
        durations.observe(("a",), seconds)
    durations.observe(("b",), 0.02)
    (family,) = _parsed(durations)
    assert family.type == "histogram"
    buckets = {
        float(sample.labels["le"]): sample.value
        for sample in family.samples
        if sample.name == "d_seconds_bucket" and sample.labels["route"] == "a"
    }
    assert buckets == {
        0.001: 2, 0.0025: 3, 0.005: 3, 0.01: 3, 0.05: 3, 0.25: 4, 1.0: 4, inf: 5
    }  # fmt: skip
    assert len(LATENCY_BUCKETS_S) + 1 <= 8
    values = _values(family)
    assert values["d_seconds_count", ("a",)] == 5
    assert values["d_seconds_sum", ("a",)] == pytest.approx(7.2521)
    assert values["d_seconds_count", ("b",)] == 1


def test_label_values_are_escaped() -> None:
    tally = Tally("t", "Things.", ("a",))
    tally.counts['quote " backslash \\ line \n end',] += 1
    (family,) = _parsed(tally)
    assert family.samples[0].labels == {"a": 'quote " backslash \\ line \n end'}


def test_the_first_twenty_sites_are_labels_and_the_rest_are_other(metrics: Metrics) -> None:
    sites = [f"site-{n:02}" for n in range(SITES_MAX + 5)]
    metrics.name_sites(sites[::-1])
    labels = [metrics.site_label(site) for site in sites]
    assert labels == [*sites[:20], *["other"] * 5]
    assert metrics.site_label("a stranger's") == "other"


def test_before_any_configuration_every_site_is_other(metrics: Metrics) -> None:
    assert metrics.site_label("example") == "other"


def test_a_series_for_every_site_kind_and_verdict_stays_under_the_bound(metrics: Metrics) -> None:
    metrics.name_sites([f"site-{n:02}" for n in range(1_000)])
    for n in range(1_000):
        label = metrics.site_label(f"site-{n:02}")
        for placement in range(10):
            for outcome in ("filled", "empty"):
                metrics.decisions.counts[label, f"p-{placement}", outcome] += 1
        for kind in Kind:
            for verdict in Verdict:
                metrics.events.labels(label, kind, verdict).inc()
    families = _families(metrics)
    assert len(families["handbill_events"].samples) <= (SITES_MAX + 1) * len(Kind) * len(Verdict)
    assert len(families["handbill_decisions"].samples) <= TALLY_SERIES_MAX + 1


@pytest.fixture
def plain_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("plain_logs")
def test_a_log_line_is_json_with_time_level_event_and_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs(style="json")
    logger().warning("journal refused", reason="full\nfake", events=3)
    logger().debug("not for production")
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    fact = json.loads(line)
    assert fact.pop("timestamp").endswith("Z")
    assert fact == {
        "event": "journal refused", "reason": "full\nfake", "events": 3, "level": "warning"
    }  # fmt: skip
    assert out == ""


@pytest.mark.usefixtures("plain_logs")
def test_a_log_line_for_people_has_no_colours_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(style="text")
    logger().info("stopping", grace_s=2.0)
    err = capsys.readouterr().err
    assert "stopping" in err
    assert "grace_s=2.0" in err
    assert "\x1b" not in err


def _use(metrics: Metrics) -> None:
    """Touch every labelled instrument once; those without labels show themselves."""
    metrics.decisions.counts["example", "top", "filled"] += 1
    metrics.events_received.counts[Kind.VIEW,] += 1
    metrics.events.labels("example", Kind.VIEW, Verdict.VALID).inc()
    metrics.redirects.counts[Kind.CLICK, "recorded"] += 1
    metrics.requests.observe(("public", "decision", "2xx"), 0.001)
    metrics.refused.labels("full").inc()
    metrics.build.labels("1.0", "3.11").set(1)


def _families(metrics: Metrics) -> dict[str, Metric]:
    text = generate_latest(metrics.registry).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def _parsed(collector: Tally | Durations) -> list[Metric]:
    registry = CollectorRegistry()
    registry.register(collector)
    return list(text_string_to_metric_families(generate_latest(registry).decode()))


def _values(family: Metric) -> dict[tuple[str, tuple[str, ...]], float]:
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in family.samples}
