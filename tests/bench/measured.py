"""What was measured of a server under a load, and how two of them compare; measures nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Measured:
    """One server under one load: its CPU per answer, and what the other ends saw."""

    us: float
    per_s: float
    p50_ms: float
    p99_ms: float
    answered: int
    verdicts: dict[str, int] = field(default_factory=dict)
    round_trips: int = 0  # to Redis, until all events were counted there


@dataclass(frozen=True, slots=True)
class Pair:
    """A row and what it is against, one right after the other."""

    row: Measured
    base: Measured

    @property
    def cpu_ratio(self) -> float:
        """What the base costs as a part of what the row costs; 1 is as good as the base."""
        return self.base.us / self.row.us

    @property
    def rate_ratio(self) -> float:
        """Answers a second of the row as a part of the base's."""
        return self.row.per_s / self.base.per_s

    @property
    def p99_ratio(self) -> float:
        """How long the slowest hundredth of answers takes, as a multiple of the base's."""
        return self.row.p99_ms / self.base.p99_ms


def together(parts: Sequence[Measured]) -> Measured:
    """Return what was measured in turns as one; its percentiles are the turns' medians."""
    if len(parts) == 1:
        return parts[0]
    answered = sum(part.answered for part in parts)
    return Measured(
        sum(part.us * part.answered for part in parts) / answered,
        sum(part.per_s for part in parts) / len(parts),
        median(part.p50_ms for part in parts),
        median(part.p99_ms for part in parts),
        answered,
    )
