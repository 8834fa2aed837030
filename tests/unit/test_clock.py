"""The service's clock keeps to the hour while the wall clock jumps, and follows what stays."""

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.clock import JUMP_MS, STABLE_S, SteadyClock
from tests.fakes import StandingClock

START_S = 1_795_526_405
HOUR_S = 3_600


class Times:
    """Wall and monotonic time, which pass together until the wall clock is set."""

    def __init__(self) -> None:
        self.wall, self.steady = StandingClock(START_S), StandingClock(50_000)
        self.clock = SteadyClock(self.wall, self.steady)

    def passing(self, seconds: int) -> list[bool]:
        """Let time pass, comparing each second as the service does."""
        return [self._second() for _ in range(seconds)]

    def _second(self) -> bool:
        self.wall.now += 1
        self.steady.now += 1
        return self.clock.follow()


def test_it_begins_at_the_wall_clock_and_passes_with_it() -> None:
    times = Times()
    assert times.clock.now_ms() == START_S * 1_000
    assert times.passing(100) == [False] * 100
    assert times.clock.now_ms() == (START_S + 100) * 1_000


def test_between_comparisons_it_passes_by_itself() -> None:
    times = Times()
    times.steady.now += 7
    assert times.clock.now_ms() == (START_S + 7) * 1_000


@given(st.integers(-JUMP_MS // 1_000, JUMP_MS // 1_000))
def test_small_corrections_are_followed_at_once(seconds: int) -> None:
    times = Times()
    times.wall.now += seconds
    assert times.passing(1) == [False]
    assert times.clock.now_ms() == times.wall.now * 1_000


@given(st.sampled_from([-HOUR_S, -6, 6, HOUR_S]))
def test_a_jump_is_told_once_and_followed_when_it_has_held_for_a_minute(seconds: int) -> None:
    times = Times()
    times.wall.now += seconds
    assert times.passing(STABLE_S) == [True] + [False] * (STABLE_S - 1)
    assert times.clock.now_ms() == (START_S + STABLE_S) * 1_000
    assert times.passing(1) == [False]
    assert times.clock.now_ms() == times.wall.now * 1_000
    assert times.passing(10) == [False] * 10


def test_a_jump_that_is_taken_back_changes_nothing() -> None:
    times = Times()
    times.wall.now += HOUR_S
    times.passing(STABLE_S - 1)
    times.wall.now -= HOUR_S
    assert times.passing(STABLE_S) == [False] * STABLE_S
    assert times.clock.now_ms() == times.wall.now * 1_000
    times.wall.now += HOUR_S
    assert times.passing(1) == [True]


def test_a_second_jump_has_to_hold_for_a_minute_of_its_own() -> None:
    times = Times()
    times.wall.now += HOUR_S
    times.passing(STABLE_S - 1)
    times.wall.now += HOUR_S
    assert times.passing(STABLE_S) == [True] + [False] * (STABLE_S - 1)
    assert times.clock.now_ms() == (START_S + 2 * STABLE_S - 1) * 1_000
    times.passing(1)
    assert times.clock.now_ms() == times.wall.now * 1_000


def test_the_real_clocks_agree_with_the_wall() -> None:
    assert SteadyClock().follow() is False
