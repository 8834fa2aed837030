"""The week's traffic: how much of it each of its 168 hours brings; counts nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

WEEK_HOURS = 168
HOUR_S = 3_600
MONDAY = 4 * 24  # the epoch was a Thursday; hour 0 of a week is Monday's first, UTC
_DAY_HOURS = 24
_PRIOR = 0.5  # so many hours of what is expected are mixed in until the weeks speak for themselves
_LEAST = 0.02  # no hour is taken for dead


@dataclass(frozen=True, slots=True)
class Shape:
    """Weights of a week's hours, 1 on average of all; `sums` are prefix sums, with 0 first."""

    weights: tuple[float, ...]
    sums: tuple[float, ...]

    def at(self, now_s: float) -> float:
        """Return the weight of the hour in which a time (seconds since the epoch) lies."""
        return self.weights[(int(now_s // HOUR_S) - MONDAY) % WEEK_HOURS]

    def between(self, start_s: float, end_s: float) -> float:
        """Return how many average hours of traffic lie between two times; 0 if none does."""
        if end_s <= start_s:
            return 0.0
        return self.until(end_s) - self.until(start_s)

    def until(self, time_s: float) -> float:
        """Return the average hours of traffic from a moment, the same for all times, to a time."""
        hours = time_s / HOUR_S - MONDAY
        weeks, rest = divmod(hours, WEEK_HOURS)
        hour = int(rest)
        return weeks * self.sums[-1] + self.sums[hour] + (rest - hour) * self.weights[hour]


def shape_of(weights: tuple[float, ...]) -> Shape:
    """Return the shape of 168 weights, scaled to 1 on average."""
    mean = sum(weights) / WEEK_HOURS
    scaled = tuple(weight / mean for weight in weights)
    return Shape(scaled, (0.0, *accumulate(scaled)))


@lru_cache(maxsize=1_024)
def within(shape: Shape, open_hours: tuple[bool, ...]) -> Shape:
    """Return what of a shape lies in some of the week's hours, Monday's first in UTC the first.

    Not scaled: an hour of it is as long as one of the whole.
    """
    weights = tuple(w if at else 0.0 for w, at in zip(shape.weights, open_hours, strict=True))
    return Shape(weights, (0.0, *accumulate(weights)))


FLAT = shape_of((1.0,) * WEEK_HOURS)


def learned_shape(counts: Mapping[int, int]) -> Shape:
    """Return the shape of what was counted in closed hours (since the epoch), zeros included."""
    total = sum(counts.values())
    if not total:
        return FLAT
    mean = total / len(counts)
    sums, weeks = [0.0] * WEEK_HOURS, [0] * WEEK_HOURS
    for hour, count in counts.items():
        place = (hour - MONDAY) % WEEK_HOURS
        sums[place] += count / mean
        weeks[place] += 1
    # Until it was seen itself, an hour of the week is like the same hour of other days.
    daily = [
        (sum(sums[at::_DAY_HOURS]) + _PRIOR) / (sum(weeks[at::_DAY_HOURS]) + _PRIOR)
        for at in range(_DAY_HOURS)
    ]
    return shape_of(
        tuple(
            max(_LEAST, (sums[i] + _PRIOR * daily[i % _DAY_HOURS]) / (weeks[i] + _PRIOR))
            for i in range(WEEK_HOURS)
        )
    )
