"""What became of the events that were sent: the verdicts the service itself counts; sends none."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from tests.bench.processes import BenchError

WAIT_S = 60.0
POLL_S = 0.2
_COUNTABLE = {"valid", "duplicate"}


@dataclass(frozen=True, slots=True)
class Ledger:
    """The verdicts of one running service, by its internal address."""

    internal: str

    def verdicts(self) -> Counter[str]:
        """Return how many events Redis has counted so far, by verdict."""
        with urlopen(f"{self.internal}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found: Counter[str] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "handbill_events_total":
                    found[sample.labels["verdict"]] += int(sample.value)
        return found

    async def settled(self, before: Counter[str], *, at_least: int, at_most: int) -> dict[str, int]:
        """Return what was counted since, once all that was acknowledged is.

        Raises `BenchError` if events are still missing after a minute, there are more than were
        sent, or any is neither valid nor a repetition.
        """
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while (since := self.verdicts() - before).total() < at_least:
            if asyncio.get_running_loop().time() > deadline:
                raise BenchError(f"of {at_least} acknowledged events, {dict(since)} were counted")
            await asyncio.sleep(POLL_S)
        if since.total() > at_most or not since.keys() <= _COUNTABLE:
            raise BenchError(f"{at_least} acknowledged events were counted as {dict(since)}")
        return dict(since)
