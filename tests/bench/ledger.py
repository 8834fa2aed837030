"""What became of the events that were sent: the verdicts the service itself counts; sends none."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from tests.bench.processes import BenchError

WAIT_S = 60.0
POLL_S = 0.2
DAY_S = 86_400
_COUNTABLE = {"valid", "duplicate"}


@dataclass(frozen=True, slots=True)
class Ledger:
    """The verdicts of one running service, by its internal address.

    Metrics are cheap to read and follow the replies of Redis: what a reply was lost of, as when
    it is stopped, only the report has, which `by_report` reads.
    """

    internal: str
    by_report: bool = False

    def verdicts(self) -> Counter[str]:
        """Return how many events Redis has counted so far, by verdict."""
        found: Counter[str] = Counter()
        if self.by_report:
            since = datetime.fromtimestamp(time.time() - DAY_S, UTC).date()
            report = self._get(f"/v1/report.json?tz=UTC&from={since}&by=verdict")
            found.update({row["verdict"]: row["count"] for row in json.loads(report)["rows"]})
            return found
        for sample in self._samples("handbill_events_total"):
            found[sample.labels["verdict"]] += int(sample.value)
        return found

    def waiting(self) -> int:
        """Return how many events are in the journal and not in Redis."""
        return int(sum(sample.value for sample in self._samples("handbill_journal_events")))

    async def settled(
        self, before: Counter[str], *, at_least: int, at_most: int, wait_s: float = WAIT_S
    ) -> dict[str, int]:
        """Return what was counted since, once all that was acknowledged is.

        Raises `BenchError` if events are still missing after that time, there are more than were
        sent, or any is neither valid nor a repetition.
        """
        deadline = asyncio.get_running_loop().time() + wait_s
        while (since := self.verdicts() - before).total() < at_least:
            if asyncio.get_running_loop().time() > deadline:
                raise BenchError(f"of {at_least} acknowledged events, {dict(since)} were counted")
            await asyncio.sleep(POLL_S)
        if since.total() > at_most or not since.keys() <= _COUNTABLE:
            raise BenchError(f"{at_least} acknowledged events were counted as {dict(since)}")
        return dict(since)

    def _samples(self, name: str) -> Iterator[Sample]:
        for family in text_string_to_metric_families(self._get("/metrics")):
            yield from (sample for sample in family.samples if sample.name == name)

    def _get(self, path: str) -> str:
        with urlopen(f"{self.internal}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
        return text
