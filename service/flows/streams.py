"""All journals' rows in all shards on their way to Redis, and what they come to; does no I/O."""

from collections.abc import Iterator, Sequence

from service.domain.events import SHARDS
from service.flows.ports import Committed
from service.flows.stream import Stream


class Streams:
    """All streams, by shard and then in the order in which their journals came."""

    def __init__(self) -> None:
        self._shards: list[dict[str, Stream]] = [{} for _ in range(SHARDS)]
        self._left: set[str] = set()

    def __iter__(self) -> Iterator[Stream]:
        # Lists, for whoever looks from another thread.
        return (stream for shard in self._shards for stream in list(shard.values()))

    @property
    def waiting(self) -> int:
        """Events in the journals that Redis has not applied."""
        return sum(stream.waiting for stream in self)

    @property
    def oldest_ms(self) -> int | None:
        """When the first of them was made, None if there are none."""
        times = (stream.oldest_ms for stream in self)
        return min((ms for ms in times if ms is not None), default=None)

    @property
    def halted(self) -> Stream | None:
        """One that goes no further, if there is one."""
        return next((stream for stream in self if stream.halted), None)

    def of(self, shard: int) -> list[Stream]:
        """Return a shard's streams, the oldest journal's first."""
        return list(self._shards[shard].values())

    def behind(self, shard: int) -> bool:
        """Whether there is something to do in a shard."""
        return any(stream.behind for stream in self._shards[shard].values())

    def waiting_in(self, shard: int) -> int:
        """Return how many events of a shard Redis has not applied."""
        return sum(stream.waiting for stream in self._shards[shard].values())

    def moving(self, shard: int) -> bool:
        """Whether events of a shard wait in a stream that is not halted."""
        streams = self._shards[shard].values()
        return any(stream.waiting and not stream.resting for stream in streams)

    def mine(self, row: Committed) -> Stream:
        """Return the stream of a row that this process wrote."""
        shard = self._shards[row.shard]
        if row.journal not in shard:
            shard[row.journal] = Stream(row.journal, row.shard, own=True)
        return shard[row.journal]

    def hold(self, journals: Sequence[str]) -> None:
        """Have a stream in each shard for these journals, and none for others but the own."""
        self._left.intersection_update(journals)
        for number, shard in enumerate(self._shards):
            for journal in set(shard) - set(journals):
                if not shard[journal].own:
                    del shard[journal]
            for journal in journals:
                if journal not in shard and journal not in self._left:
                    shard[journal] = Stream(journal, number)

    def leave(self, journal: str) -> bool:
        """Have no more to do with a journal, if every mark of it is known; say whether it is."""
        streams = [shard[journal] for shard in self._shards if journal in shard]
        known = journal in self._left or (len(streams) == SHARDS and all(s.sure for s in streams))
        if known:
            self._left.add(journal)
            for shard in self._shards:
                shard.pop(journal, None)
        return known

    def doubt(self, shard: int) -> None:
        """Every mark of a shard must be read again."""
        for stream in self._shards[shard].values():
            stream.doubt()
