"""What a publisher advertises, as values: apps, campaigns, creatives, flights and caps.

Validation of what people wrote happens where files are read; these values are already sound.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b


@lru_cache(65_536)  # a decision asks for its site's each time
def code_of(identifier: str) -> int:
    """Return the 32-bit code of a site's or creative's id: the first 4 bytes of its BLAKE2b."""
    return int.from_bytes(blake2b(identifier.encode()).digest()[:4], "big")


class Tier(IntEnum):
    """Strict priority: the lowest number with candidates wins."""

    SPONSORSHIP = 0
    STANDARD = 1
    HOUSE = 2


@dataclass(frozen=True, slots=True)
class IosStore:
    """An App Store record: numeric app id and, for campaign links, the provider token."""

    id: int
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class AndroidStore:
    """A Google Play record: the package name."""

    package: str


@dataclass(frozen=True, slots=True)
class App:
    """The thing advertised; at least one store is present."""

    id: str
    name: str
    ios: IosStore | None = None
    android: AndroidStore | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """A creative's picture: an https address, its size in CSS pixels, and what it shows."""

    url: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class Creative:
    """What a reader sees of a campaign in the placements it fits."""

    id: str
    headline: str
    placements: tuple[str, ...]
    body: str | None = None
    cta: str | None = None
    image: Image | None = None
    weight: float = 1.0
    arms: frozenset[str] | None = None  # of the site's experiment; None for all

    @property
    def code(self) -> int:
        """The creative's 32-bit code in tokens."""
        return code_of(self.id)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `max` impressions to one browser within `hours`; the browser keeps count."""

    max: int
    hours: int


@dataclass(frozen=True, slots=True)
class Goal:
    """What a flight should deliver in all, and at most per day of its campaign's zone, in one unit.

    Valid impressions or valid clicks; exactly one of the two is set.
    """

    impressions: int | None = None
    clicks: int | None = None
    per_day: int | None = None

    @property
    def total(self) -> int:
        """What the flight should deliver in all."""
        return self.impressions or self.clicks or 0


@dataclass(frozen=True, slots=True)
class Flight:
    """A half-open run of full UTC hours, in hours since the epoch; `end` None is open-ended."""

    start: int
    end: int | None = None
    goal: Goal | None = None

    def covers(self, hour: int) -> bool:
        """Say whether the flight runs in that hour since the epoch."""
        return self.start <= hour and (self.end is None or hour < self.end)


@dataclass(frozen=True, slots=True)
class Campaign:
    """Creatives of one app, when and to whom they may show.

    `target` and `exclude` map a dimension's name to its values; `sites` None means all. Weekdays,
    hours and daily budgets are of `timezone`. Campaigns that share a word of `competes` are not
    shown on one page view; an `exclusive` one shares its tier with nobody while it may show.
    """

    id: str
    app: str
    tier: Tier
    creatives: tuple[Creative, ...]
    flights: tuple[Flight, ...]
    weight: float = 1.0
    paused: bool = False
    sponsored: bool = False
    sites: frozenset[str] | None = None
    target: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exclude: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cap: Cap | None = None
    timezone: str = "UTC"
    exclusive: bool = False
    competes: frozenset[str] = frozenset()
    front_loaded: bool = False
    optimise: bool = True

    def runs(self, hour: int) -> bool:
        """Say whether the campaign is live in that hour since the epoch."""
        return not self.paused and self.flight(hour) is not None

    def flight(self, hour: int) -> Flight | None:
        """Return the flight that covers an hour; they do not overlap."""
        return next((flight for flight in self.flights if flight.covers(hour)), None)
