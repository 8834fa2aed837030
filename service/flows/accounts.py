"""Says in metrics and logs what shipping found; ships nothing and decides nothing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import itemgetter
from time import monotonic

from service.domain.events import SHARDS, Event, Verdict
from service.domain.marks import Finding
from service.domain.rows import StoredRow
from service.flows.ports import Applied, Extent
from service.flows.stream import Stream
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Metrics

QUIET_S = 10.0  # a Redis that comes and goes is worth a line that often
_SITE, _KIND = 0, 7  # places in an event's field
_ALIKE = itemgetter(*map(Event._fields.index, ("field", "verdict", "count")))


class Accounts:
    """Counts what Redis said; says what stays as it is once, however often it is seen."""

    def __init__(
        self, metrics: Metrics, log: LogEvent, *, steady: Callable[[], float] = monotonic
    ) -> None:
        self._metrics = metrics
        self._log = log
        self._steady = steady
        self._quiet_until_s = 0.0
        self._told = True  # that it is away, or nothing yet
        self._asked = False
        self._away: dict[int, str] = {}  # why, by shard
        self._stuck: str | None = None

    def state(self, halted: Stream | None) -> str:
        """Return the shipper's word for people."""
        if self._away:
            count = len(self._away)
            some = f" for {count} of {SHARDS} shards" if count < SHARDS else ""
            return f"away{some}: {next(iter(self._away.values()))}"
        if halted is not None:
            return f"shard {halted.shard:02} halted: {halted.halted}"
        return "ok" if self._asked else "not asked yet"

    def watch(self, *, waiting: Callable[[], float], oldest_s: Callable[[], float]) -> None:
        """Let the gauges of the backlog read these whenever they are scraped."""
        self._metrics.journal_events.set_function(waiting)
        self._metrics.journal_oldest_s.set_function(oldest_s)

    def timed(self) -> AbstractContextManager[object]:
        """Measure one application."""
        return self._metrics.ship_row_s.time()

    def answered(self, shard: int) -> None:
        """Note that a shard's Redis answers; it is up when no shard is known to be away."""
        news = not self._asked or self._away.pop(shard, None) is not None
        self._asked = True
        if self._away or not news:
            return
        self._metrics.redis_up.set(1)
        if self._told:
            self._told = False
            self._log.info("Redis answers")

    def away(self, shard: int, reason: str) -> bool:
        """Note that a shard's Redis does not answer or cannot write; say whether that is news."""
        news = shard not in self._away
        self._away[shard] = reason
        self._metrics.redis_up.set(0)
        first, self._asked = not self._asked, True
        if first or (not self._told and self._steady() >= self._quiet_until_s):
            self._told, self._quiet_until_s = True, self._steady() + QUIET_S
            self._log.error("Redis is away; the journal keeps what it cannot take", reason=reason)
        return news

    def stuck(self, reason: str) -> None:
        """Note that rows or a journal could not be deleted; they are tried again."""
        if reason != self._stuck:
            self._log.warning("journal keeps what could be deleted", reason=reason)
        self._stuck = reason

    def halted(self, stream: Stream) -> None:
        """Note that a shard goes no further until somebody looks, or the next round."""
        self._log.error("shard halted", reason=stream.halted, **_where(stream))

    def found(self, stream: Stream, finding: Finding, extent: Extent) -> None:
        """Note what a mark meant."""
        if finding in {Finding.BACK, Finding.GAP}:
            self._metrics.rollbacks.inc()
            self._log.error("Redis went back; replaying", waiting=stream.waiting, **_where(stream))
        if finding is Finding.GAP:
            self._metrics.unrecoverable.inc(extent.lost)
            self._log.error(
                "Redis lost what no journal retains", lost=extent.lost, **_where(stream)
            )
        if finding is Finding.CLONED:
            self._log.error("shard halted; is its volume a copy?", reason=stream.halted,
                            **_where(stream))  # fmt: skip

    def applied(self, stream: Stream, rows: Sequence[StoredRow], applied: Applied) -> None:
        """Count each event by its verdict; a replay after Redis went back is no second event."""
        self._metrics.shipped.inc(sum(row.total for row in rows if row.row))
        old = 0  # events of rows that were counted before, which come first
        news: list[Event] = []
        for number, total, _, row in rows:
            if number <= stream.counted:
                old += len(row.events) if row else 0
            elif row is None:
                self._metrics.unrecoverable.inc(total)
                self._log.error("damaged row", row=number, lost=total, **_where(stream))
            else:
                news += row.events
        stream.counted = max(stream.counted, rows[-1].number)
        alike = Counter(map(_ALIKE, news))  # most are as they were judged: those in one go
        for at in applied.duplicates:
            if at >= old:
                field, verdict, count = _ALIKE(news[at - old])
                alike[field, verdict, count] -= 1
                alike[field, Verdict.DUPLICATE, count] += 1
        self._tell(alike)

    def _tell(self, alike: Mapping[tuple[str, str, int], int]) -> None:
        """Add events by field, verdict and count to the metric, which costs most a series."""
        series: Counter[tuple[str, str, str]] = Counter()
        for (field, verdict, count), number in alike.items():
            if number:
                fields = field.split("|")
                site = self._metrics.site_label(fields[_SITE])
                series[site, fields[_KIND], verdict] += number * count
        for labels, count in series.items():
            self._metrics.events.labels(*labels).inc(count)


def _where(stream: Stream) -> dict[str, object]:
    return {"journal": stream.journal, "shard": stream.shard, "mark": stream.mark}
