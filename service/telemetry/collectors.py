"""Collectors for the hot path: plain dictionaries that become samples when they are scraped."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

TALLY_SERIES_MAX = 200  # the first that were counted; the rest are one series of `other`
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)


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
