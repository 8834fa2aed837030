"""What the flows need from outside, as narrow Protocols; implements nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from service.domain.audience import Agent
from service.domain.events import Event
from service.domain.reporting import Bucket

Clock = Callable[[], int]
"""Return the wall-clock time in milliseconds since the epoch, steady against jumps."""


class EventLog(Protocol):
    """Where judged events become durable."""

    def append(self, events: Sequence[Event]) -> Awaitable[None]:
        """Resolve once the events are on disk; raise `JournalRefused` if they will not be."""
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
