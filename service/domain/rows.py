"""Rows of the journal: at most 200 events of one shard, applied whole; stores and sends nothing.

Events that no bit counts once (everything that is not valid) are folded into sums, so that a
flood of them cannot fill a journal.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from service.domain.events import OTHER, REFUSED, UNUSED, Event

ROW_EVENTS_MAX = 200
_KIND = 7  # its place in an event's field
Name = tuple[int, str, str]
"""Hour (which says the month), field and text of a name."""


class Row(NamedTuple):
    """Events of one shard; their names stand beside them, each once. `total` is what they sum to.

    `made_ms` is the wall-clock time of the commit.
    """

    shard: int
    events: Sequence[Event]
    names: Sequence[Name]
    total: int
    made_ms: int


class StoredRow(NamedTuple):
    """A row as a journal returns it, with its number there; `row` None cannot be read any more."""

    number: int
    total: int
    made_ms: int
    row: Row | None


def rows_of(events: Iterable[Event], made_ms: int) -> list[Row]:
    """Return the rows of one commit."""
    by_shard: dict[int, list[Event]] = {}
    sums: dict[tuple[int, int, str, str], int] = {}
    for event in events:
        if event.seen is None:
            key = (event.hour, event.shard, event.field, event.verdict)
            sums[key] = sums.get(key, 0) + event.count
        else:
            by_shard.setdefault(event.shard, []).append(event)
    for (hour, shard, field, verdict), count in sums.items():
        by_shard.setdefault(shard, []).append(Event(hour, shard, field, verdict, count))
    return [
        _row(shard, some[at : at + ROW_EVENTS_MAX], made_ms)
        for shard, some in by_shard.items()
        for at in range(0, len(some), ROW_EVENTS_MAX)
    ]


def kind_of(event: Event) -> str:
    """Return the kind that an event's field names."""
    return event.field.split("|")[_KIND]


def refused(kind: str, count: int, hour: int) -> Event:
    """Return the sum of events that were refused, under site `other`: they named nothing sound."""
    field = "|".join([OTHER, *[UNUSED] * (_KIND - 1), kind, UNUSED])
    return Event(hour, 0, field, REFUSED, count)


def _row(shard: int, events: Sequence[Event], made_ms: int) -> Row:
    names = {(event.hour, *name): None for event in events for name in event.names}
    return Row(shard, events, list(names), sum(event.count for event in events), made_ms)
