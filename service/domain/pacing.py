"""How likely a campaign with a budget shows, so that its flight ends with the goal; keeps no clock.

Pace is a probability: replicas that read the same counts share a budget without talking. Offers
whose impressions or clicks are still to come are reserved by Little's law: those underway are the
rate of arrival times the mean delay.
"""

from math import exp, exp2
from typing import NamedTuple

from service.domain.traffic import HOUR_S, Shape

FRONT_LOADING = 1.5  # a front-loaded flight delivers this much faster than an even one at first
FIRST = 0.000_1  # the pace at first, when nothing is known of how much a campaign could deliver,
PROBE = 0.1  # and what it is doubled to while too little comes of it to tell
_DOUBLED_S = 5.0  # in which it doubles, or in the mean delay: what it brings must show before
_MEMORY = 400.0  # deliveries after which what was known before has faded to a third
_MEMORY_H = 24.0  # the same in average hours of traffic
_EVIDENCE_MIN = 10.0  # deliveries before a capacity is believed,
_HINT_MIN = 3.0  # and before it is guessed at rather than looked for


class Budget(NamedTuple):
    """What is left to deliver and how much traffic there is to do it in (average hours).

    `today` and `today_hours` are None without a daily bound.
    """

    left: float
    hours: float
    today: float | None = None
    today_hours: float | None = None
    front_loaded: bool = False


class Pacer(NamedTuple):
    """What is known of one flight: its pace, and deliveries against the exposure they came from.

    `exposure` sums pace times traffic, in average hours: deliveries per exposure are its capacity.
    """

    pace: float = FIRST
    delivered: float = 0.0
    deliveries: float = 0.0
    exposure: float = 0.0
    at_s: float = 0.0
    since_s: float = 0.0

    @property
    def capacity(self) -> float | None:
        """Deliveries in an average hour at pace 1; None while nothing is known."""
        if self.deliveries < _EVIDENCE_MIN:
            return None
        return self.deliveries / max(self.exposure, 1e-9)

    def observed(self, now_s: float, delivered: float, shape: Shape, delay_s: float) -> "Pacer":
        """Return the pacer after what was delivered in the flight until now, at the old pace.

        At first few of the deliveries that an exposure brings have arrived: it counts as far.
        """
        if not self.at_s:
            pace, _, deliveries, exposure, *_ = self
            return Pacer(pace, delivered, deliveries, exposure, now_s, now_s)
        hours = shape.between(self.at_s, now_s)
        new = max(0.0, delivered - self.delivered)
        fade = exp(-new / _MEMORY - hours / _MEMORY_H)
        arrived = min(1.0, (now_s - self.since_s) / (2.0 * max(delay_s, 1.0)))
        deliveries = self.deliveries * fade + new
        exposure = self.exposure * fade + hours * self.pace * arrived
        return Pacer(self.pace, delivered, deliveries, exposure, now_s, self.since_s)

    def rate(self, shape: Shape) -> float:
        """Return deliveries a second at the pace and in the hour of now."""
        return (self.capacity or 0.0) * self.pace * shape.at(self.at_s) / HOUR_S

    def steered(self, budget: Budget, shape: Shape, delay_s: float) -> "Pacer":
        """Return the pacer with the pace that uses the budget up exactly at the flight's end."""
        underway = self.rate(shape) * delay_s
        probe = self._probe(delay_s)
        pace = self._pace(budget.left - underway, budget.hours, probe, front=budget.front_loaded)
        if budget.today is not None and budget.today_hours is not None:
            today = self._pace(
                budget.today - underway, budget.today_hours, probe, front=budget.front_loaded
            )
            pace = min(pace, today)
        return Pacer(pace, *self[1:])

    def _probe(self, delay_s: float) -> float:
        """Return the pace that finds out how much there is without using it up meanwhile."""
        doubled = (self.at_s - self.since_s) / max(_DOUBLED_S, delay_s)
        return min(PROBE, FIRST * exp2(min(doubled, 10.0)))

    def _pace(self, left: float, hours: float, probe: float, *, front: bool) -> float:
        if left < 1.0:  # half an impression cannot be shown
            return 0.0
        wanted = left / max(hours, 1e-6) * (FRONT_LOADING if front else 1.0)
        capacity = self.capacity
        if capacity is None:
            capacity = (self.deliveries + 1.0) / max(self.exposure, 1e-9)
        pace = min(1.0, wanted / max(capacity, 1e-9))
        if self.deliveries < _HINT_MIN:
            return max(pace, probe * min(1.0, left / _EVIDENCE_MIN))
        return pace


def line(done: float, *, front_loaded: bool) -> float:
    """Return the share of a goal that is due when a share of the flight's traffic is done."""
    done = min(1.0, max(0.0, done))
    return 1.0 - (1.0 - done) ** FRONT_LOADING if front_loaded else done
