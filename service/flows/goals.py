"""Holds what a simulation delivered against each flight's own goal by the hour; prints nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from service.domain.ads import Campaign, Flight, Goal
from service.flows.due import due_by_hour
from service.flows.simulated import Outcome, World
from service.flows.synthetic import TRAFFIC


@dataclass(frozen=True, slots=True)
class Held:
    """One flight: what it had delivered, and what was due, by the end of each hour of the run.

    `hours` are those of the run in which it was on its way; late arrivals are its own until the
    next flight begins.
    """

    goal: Goal
    hours: range
    delivered: Sequence[int]
    due: Sequence[float]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a campaign delivered in one unit, in each hour of the run, and its flights' goals."""

    campaign: str
    clicks: bool
    hours: Sequence[int]
    held: Sequence[Held]

    @property
    def unit(self) -> str:
        """Return what is counted."""
        return "clicks" if self.clicks else "impressions"


def deliveries(world: World, outcome: Outcome) -> Iterator[Delivery]:
    """Yield each campaign's impressions, and the clicks of those that have clicks for a goal."""
    for campaign in world.catalog.campaigns.values():
        for clicks in (False, True):
            hours = outcome.by_hour(campaign.id, len(world.hours), clicks=clicks)
            held = tuple(_held(world, campaign, hours, clicks=clicks))
            if held or not clicks:
                yield Delivery(campaign.id, clicks, hours, held)


def _held(
    world: World, campaign: Campaign, hours: Sequence[int], *, clicks: bool
) -> Iterator[Held]:
    run = world.hours
    flights = sorted(campaign.flights, key=lambda flight: flight.start)
    for flight, after in pairwise([*flights, Flight(run.stop)]):
        end = run.stop if flight.end is None else flight.end
        if flight.goal is None or (flight.goal.clicks is not None) != clicks:
            continue
        if flight.start >= run.stop or end <= run.start:
            continue
        own = range(max(flight.start, run.start), min(after.start, run.stop))
        counts = [n if hour in own else 0 for hour, n in zip(run, hours, strict=True)]
        underway = range(own.start - run.start, min(end, run.stop) - run.start)
        due = due_by_hour(campaign, flight, run, TRAFFIC)
        yield Held(flight.goal, underway, list(accumulate(counts)), due)
