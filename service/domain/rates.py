"""Rates that carry their counts, and how two of them compare; knows not what they are of."""

from dataclasses import dataclass
from math import exp, hypot, log, sqrt

_Z95 = 1.959964  # the normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of counts that always carries them: `part` of `whole`, times `per`."""

    part: int
    whole: int
    per: int = 100

    @property
    def value(self) -> float | None:
        """The rate, or None where there is nothing to divide by."""
        return self.per * self.part / self.whole if self.whole else None

    def interval(self) -> tuple[float, float] | None:
        """Return the Wilson score interval at 95 % (Wilson 1927), None unless a proportion.

        Unlike the textbook interval it stays honest for few events and rates near zero.
        """
        if not 0 <= self.part <= self.whole or not self.whole:
            return None
        n, p, z2 = self.whole, self.part / self.whole, _Z95 * _Z95
        centre = p + z2 / (2 * n)
        margin = _Z95 * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        scale = self.per / (1 + z2 / n)
        return max(0.0, (centre - margin) * scale), min(float(self.per), (centre + margin) * scale)


@dataclass(frozen=True, slots=True)
class Gain:
    """By how many per cent one rate is above another that it is compared with."""

    rate: Rate
    base: Rate

    @property
    def value(self) -> float | None:
        """The difference in per cent of the base, or None where that is nothing."""
        one, other = self.rate.value, self.base.value
        return None if one is None or not other else 100 * (one / other - 1)

    def interval(self) -> tuple[float, float] | None:
        """Return its interval at 95 %, None unless both are proportions above zero.

        Made of the two rates' own intervals (Zou and Donner 2008, on the logarithm of the ratio):
        a side that has little evidence makes it wide, the other does not make it narrow.
        """
        one, other = self.rate.interval(), self.base.interval()
        if one is None or other is None or not self.rate.part or not self.base.part:
            return None
        (low, p, high), (base_low, q, base_high) = _logs(self.rate, one), _logs(self.base, other)
        down, up = hypot(p - low, base_high - q), hypot(high - p, q - base_low)
        return 100 * (exp(p - q - down) - 1), 100 * (exp(p - q + up) - 1)


def _logs(rate: Rate, interval: tuple[float, float]) -> tuple[float, float, float]:
    low, high = interval
    return log(low), log(rate.per * rate.part / rate.whole), log(high)
