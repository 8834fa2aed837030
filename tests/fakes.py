"""Small real stand-ins for what the flows need from outside: a log, a clock, numbers to draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.domain.errors import JournalRefused
from service.domain.events import Event
from service.flows.ports import Told


@dataclass
class MemoryLog:
    """An `EventLog` that keeps what it is given, or refuses it all while it has a reason to."""

    events: list[Event] = field(default_factory=list)
    refusing: str | None = None

    async def append(self, events: Sequence[Event]) -> None:
        """Keep all of the events or none."""
        if self.refusing is not None:
            raise JournalRefused(self.refusing)
        self.events.extend(events)

    def add(self, events: Sequence[Event], told: Told) -> None:
        """Do the same and tell it at once."""
        if self.refusing is not None:
            raise JournalRefused(self.refusing)
        self.events.extend(events)
        told(None)


@dataclass
class StandingClock:
    """A clock that stands until somebody moves it."""

    now: int = 0

    def __call__(self) -> int:
        """Return the time it stands at."""
        return self.now


@dataclass
class Numbers:
    """A source of chosen numbers, in order; the last one stays."""

    left: list[int]

    def __call__(self) -> int:
        """Return the next number."""
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]
