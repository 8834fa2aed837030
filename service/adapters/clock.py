"""The wall clock, steady against jumps: an hour's events must not land in another hour."""

from collections.abc import Callable
from time import monotonic, time

JUMP_MS = 5_000
STABLE_S = 60


class SteadyClock:
    """Wall time carried on by the monotonic clock; follows a jump once it has held for a minute.

    Small drifts (time being slewed or corrected) are followed at once.
    """

    def __init__(
        self, wall_s: Callable[[], float] = time, steady_s: Callable[[], float] = monotonic
    ) -> None:
        self._wall_s = wall_s
        self._steady_s = steady_s
        self._offset_ms = self._difference_ms()
        self._jump: tuple[float, int] | None = None  # when it was seen, and to which difference

    def now_ms(self) -> int:
        """Return milliseconds since the epoch."""
        return int(self._steady_s() * 1_000) + self._offset_ms

    def follow(self) -> bool:
        """Compare with the wall clock, to be called each second; say whether it has jumped."""
        difference_ms = self._difference_ms()
        if abs(difference_ms - self._offset_ms) <= JUMP_MS:
            self._offset_ms, self._jump = difference_ms, None
            return False
        now_s = self._steady_s()
        if self._jump is None or abs(difference_ms - self._jump[1]) > JUMP_MS:
            self._jump = now_s, difference_ms
            return True
        if now_s - self._jump[0] >= STABLE_S:
            self._offset_ms, self._jump = difference_ms, None
        return False

    def _difference_ms(self) -> int:
        return int(self._wall_s() * 1_000) - int(self._steady_s() * 1_000)
