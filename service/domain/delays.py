"""How long impressions and clicks take to arrive after their decision; keeps only means."""

_WEIGHT = 0.01  # of each new delay: the mean of about the last hundred
_FIRST_S = {"impression": 5.0, "click": 60.0}


class Delays:
    """Running means in seconds, by kind."""

    def __init__(self) -> None:
        self._means = dict(_FIRST_S)

    def note(self, kind: str, delay_ms: int) -> None:
        """Take one delay into account."""
        mean = self._means.get(kind)
        if mean is not None:
            self._means[kind] = mean + _WEIGHT * (max(0, delay_ms) / 1_000 - mean)

    def mean_s(self, kind: str) -> float:
        """Return the mean delay of a kind, 0 for kinds that no budget counts."""
        return self._means.get(kind, 0.0)
