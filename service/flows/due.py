"""What of a flight's goal is due by each hour, by the flight's own line; counts nothing."""

from collections.abc import Sequence

from service.domain.ads import Campaign, Flight
from service.domain.pacing import line
from service.domain.times import day_of
from service.domain.traffic import HOUR_S, Shape
from service.flows.flights import end_of, own_traffic


def due_by_hour(campaign: Campaign, flight: Flight, hours: range, shape: Shape) -> Sequence[float]:
    """Return what is due by the end of each of some hours, 0 throughout without a goal.

    Nothing is delivered when they begin: a flight that began earlier has its whole goal yet to do.
    A day's bound holds in the campaign's zone; what a day could not take is left to the next ones.
    """
    if flight.goal is None:
        return [0.0] * len(hours)
    first = max(flight.start, hours.start)
    end, (shape, _) = end_of(flight, first), own_traffic(campaign, first, shape)
    front, per_day = campaign.front_loaded, flight.goal.per_day
    before, today, day, since = 0.0, 0.0, range(0), hours.start
    due = []
    for hour in hours:
        if flight.start <= hour < end:
            if hour not in day:  # its line begins anew each day, from what is left
                day, since = day_of(hour, campaign.timezone), hour
                before, today = before + today, 0.0
            passed = _between(shape, since, hour + 1)
            done = passed / max(_between(shape, since, end), 1e-9)
            today = (flight.goal.total - before) * line(done, front_loaded=front)
            if per_day is not None:
                done = passed / max(_between(shape, since, min(end, day.stop)), 1e-9)
                left = flight.goal.total - before if flight.end is None else today
                today = min(left, per_day * line(done, front_loaded=front))
        due.append(before + today)
    return due


def _between(shape: Shape, start: int, end: int) -> float:
    return shape.between(float(start * HOUR_S), float(end * HOUR_S))
