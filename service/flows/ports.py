"""What the flows need from outside, as narrow Protocols; implements nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from service.domain.audience import Agent
from service.domain.buckets import Bucket
from service.domain.errors import JournalRefused
from service.domain.events import Event
from service.domain.rows import StoredRow

Clock = Callable[[], int]
"""Return the wall-clock time in milliseconds since the epoch, steady against jumps."""

Told = Callable[[JournalRefused | None], None]
"""Is called once: with None when the events are on disk, else with why they will not be."""


class EventLog(Protocol):
    """Where judged events become durable."""

    def append(self, events: Sequence[Event]) -> Awaitable[None]:
        """Resolve once the events are on disk; raise `JournalRefused` if they will not be."""
        ...

    def add(self, events: Sequence[Event], told: Told) -> None:
        """Do the same for somebody who is told how it went, later, in place of waiting for it."""
        ...


class Committed(NamedTuple):
    """A row that is now on disk: in which journal and shard, its number and its sum of events."""

    journal: str
    shard: int
    number: int
    total: int
    made_ms: int


class Extent(NamedTuple):
    """What a journal holds of one shard, seen from a mark.

    `last` and `pruned` are row numbers; `waiting` counts events behind the mark that are held,
    `lost` those behind it that were deleted; `oldest_ms` is the first waiting row's time.
    """

    last: int
    pruned: int
    waiting: int
    lost: int
    oldest_ms: int | None


class PaceReader(Protocol):
    """Who reads back what was delivered; raises `CountsUnavailable`."""

    def paces(self, hours: Sequence[int]) -> AsyncIterator[tuple[int, Mapping[str, int]]]:
        """Yield each hour's hashes (`creative|placement|platform|arm|kind`), of all shards."""
        ...


class RowSource(Protocol):
    """Where committed rows are read again, in order; every method raises `JournalUnreadable`."""

    def held(self) -> Awaitable[Sequence[str]]:
        """Return the ids of the journals this process holds, oldest first."""
        ...

    def rows(self, journal: str, shard: int, after: int) -> Awaitable[Sequence[StoredRow]]:
        """Return the next rows of a shard after a mark, at most about 200 events of them."""
        ...

    def extent(self, journal: str, shard: int, after: int) -> Awaitable[Extent]:
        """Return what is held and what is gone of a shard, seen from a mark."""
        ...


class Retention(Protocol):
    """Who deletes rows once it is told that they are safe."""

    def covered(self, journal: str, shard: int, through: int) -> Awaitable[None]:
        """Note that Redis has applied rows up to a number; they go first when room is short."""
        ...

    def prune(self, journal: str, shard: int, through: int) -> Awaitable[None]:
        """Delete rows up to a number: Redis has kept them for as long as it may forget them."""
        ...

    def retire(
        self, forget: Callable[[str], Awaitable[None]], *, leave: Callable[[str], bool]
    ) -> Awaitable[None]:
        """Delete the journals of other processes of which no row is left, once `forget` is done.

        `leave` says whether a journal may go, and stops asking for it if so; `forget` deletes its
        marks, and whatever it raises leaves the journal for next time.
        """
        ...


class Applied(NamedTuple):
    """What applying did: `mark` is Redis' mark now; `duplicates` are positions over all rows.

    Where `done` is False the mark was not the expected one and nothing was written.
    """

    done: bool
    mark: int
    duplicates: frozenset[int] = frozenset()


class Applier(Protocol):
    """Who folds rows into Redis; raises `RedisAway`, or `ShardHalted` where repeating is wrong."""

    def marks(self, shard: int) -> Awaitable[Mapping[str, int]]:
        """Return every journal's mark in a shard."""
        ...

    def apply(
        self, shard: int, journal: str, expected: int, rows: Sequence[StoredRow]
    ) -> Awaitable[Applied]:
        """Apply rows whole and set the mark to the last one's number, if it is as expected."""
        ...

    def forget(self, journal: str) -> Awaitable[None]:
        """Delete a journal's marks in all shards."""
        ...


class Agents(Protocol):
    """Who knows browsers from robots."""

    def identify(self, user_agent: str, headers: Mapping[str, str]) -> Agent:
        """Return what the user agent and client hints say."""
        ...


class CountsReader(Protocol):
    """Who reads back what was counted; every method raises `CountsUnavailable`."""

    def counts(self, span: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Mapping[str, int]]]:
        """Yield every hash of these hours and days, of all shards, as far as they exist."""
        ...

    def articles(self, days: Sequence[Bucket]) -> AsyncIterator[tuple[Bucket, Mapping[str, int]]]:
        """Yield every hash of article counts of these UTC days, of all shards."""
        ...

    def names(self, hours: Sequence[int], fields: Sequence[str]) -> Awaitable[Mapping[str, str]]:
        """Return the texts of these fields that the months of these hours know."""
        ...
