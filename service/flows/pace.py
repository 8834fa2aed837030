"""Keeps each flight's budget: what is left, and how eagerly its campaign shows; counts nothing.

Steered anew is who delivered something since the last plan, and everybody every few seconds: time
alone moves a pace by little.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.domain.ads import Campaign, Flight, Goal
from service.domain.events import Kind
from service.domain.pacing import Pacer
from service.flows.flights import RunningFlight, running_flight
from service.flows.tallies import Tallies
from service.flows.unhurried import unhurried

FROZEN_MS = 600_000  # so long a pace stays as it is without counts; then remainders run out
STEER_MS = 5_000
_TURNS = 5  # in which those that nothing was delivered of are steered, a second apart
Running = Sequence[tuple[int, Campaign, Flight]]
"""Who may run in an hour: campaigns by number, with the flight."""
FlightKey = tuple[str, int, bool]
"""Campaign, first hour and whether clicks are its goal: what is known of one unit says nothing of
the other."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is the same for all flights of a plan."""

    now_ms: int
    blind_ms: int
    delay_s: Mapping[Kind, float]


class Budgets:
    """The pacers of all flights with a goal, by campaign and flight.

    `ratios` are how far along each campaign is: delivered over due.
    """

    def __init__(self, delay_s: Callable[[Kind], float]) -> None:
        self._delay_s = delay_s
        self._pacers: dict[FlightKey, Pacer] = {}
        self._read_ms: int | None = None
        self._running: Running | None = None
        self._version = -1
        self._flights: tuple[RunningFlight, ...] = ()
        self._by_creative: dict[str, RunningFlight] = {}
        self._paces: dict[int, float] = {}
        self.ratios: dict[str, float] = {}

    def paces(self, running: Running, tallies: Tallies, now_ms: int) -> Mapping[int, float]:
        """Return the pace of each running campaign with a goal, by number."""
        fresh = tallies.read_ms != self._read_ms  # whether counts were read since the last plan
        self._read_ms = tallies.read_ms
        if running is not self._running or tallies.closed_version != self._version:
            self._follow(running, tallies, now_ms)
        moment = self._moment(tallies, now_ms)
        for flight in unhurried(self._moved(tallies, now_ms)):
            self._pace(flight, tallies, moment, fresh=fresh)
        return self._paces.copy()

    def counted(self, campaign: Campaign, flight: Flight) -> bool:
        """Say whether counts of a flight with a goal were read, so that it has a pace."""
        return flight.goal is not None and _key(campaign, flight.start, flight.goal) in self._pacers

    def forget_others(self, campaigns: Iterable[Campaign]) -> None:
        """Let go of the pacers of flights that these campaigns do not have, or without a goal.

        Not of those that do not run now: a campaign of Mondays is paced on from the last one.
        """
        kept: dict[FlightKey, Pacer] = {}
        for campaign in unhurried(campaigns):
            for flight in campaign.flights:
                key = flight.goal and _key(campaign, flight.start, flight.goal)
                if key in self._pacers:
                    kept[key] = self._pacers[key]
        self._pacers = kept

    def _follow(self, running: Running, tallies: Tallies, now_ms: int) -> None:
        """Take over who runs, and what the closed hours say of each."""
        found = (running_flight(*one, tallies, now_ms) for one in unhurried(running))
        self._flights = tuple(flight for flight in found if flight is not None)
        self._by_creative = {name: one for one in self._flights for name in one.creatives}
        self._running, self._version = running, tallies.closed_version
        self._paces, self.ratios = {}, {}

    def _moved(self, tallies: Tallies, now_ms: int) -> Iterator[RunningFlight]:
        """Yield the flights that delivered something or whose turn it is."""
        moved = {self._by_creative.get(creative) for creative, *_ in tallies.open.touched}
        for flight in self._flights:
            if flight.due_ms <= now_ms or flight in moved:
                yield flight

    def _moment(self, tallies: Tallies, now_ms: int) -> _Moment:
        blind_ms = 0 if tallies.read_ms is None else now_ms - tallies.read_ms
        delays = {kind: self._delay_s(kind) for kind in (Kind.CLICK, Kind.IMPRESSION)}
        return _Moment(now_ms, blind_ms, delays)

    def _pace(
        self, flight: RunningFlight, tallies: Tallies, moment: _Moment, *, fresh: bool
    ) -> None:
        key, now_ms = _key(flight.campaign, flight.start, flight.goal), moment.now_ms
        pacer = self._pacers.get(key)
        total, today = flight.delivered(tallies)
        shape, until_now = flight.shape, flight.shape.until(now_ms / 1_000)
        self.ratios[flight.campaign.id] = flight.ratio(total, until_now)
        if fresh and flight.known(tallies):
            delay_s, budget = moment.delay_s[flight.kind], flight.budget(total, today, until_now)
            pacer = (pacer or Pacer()).observed(now_ms / 1_000, total, shape, delay_s)
            pacer = self._pacers[key] = pacer.steered(budget, shape, delay_s)
            turn_ms = 0 if flight.due_ms else STEER_MS // _TURNS * (flight.number % _TURNS)
            flight.due_ms = now_ms + STEER_MS - turn_ms
        if pacer is None or tallies.read_ms is None:
            # It may all be delivered: too little is made up for, too much is not.
            self._paces[flight.number] = 0.0
            return
        spent = moment.blind_ms >= FROZEN_MS and _spent(flight, total, today, pacer, moment)
        self._paces[flight.number] = 0.0 if spent else pacer.pace


def _key(campaign: Campaign, start: int, goal: Goal) -> FlightKey:
    return campaign.id, start, goal.clicks is not None


def _spent(flight: RunningFlight, total: int, today: int, pacer: Pacer, moment: _Moment) -> bool:
    """Say whether a budget would be used up by now, had it gone on as last seen."""
    goal, guessed = flight.goal, pacer.rate(flight.shape) * moment.blind_ms / 1_000
    if total + guessed >= goal.total:
        return True
    return goal.per_day is not None and today + guessed >= goal.per_day
