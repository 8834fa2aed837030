"""The week's shape: additive, one on average, and what it learns from counted hours."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.traffic import FLAT, HOUR_S, WEEK_HOURS, learned_shape, shape_of, within

MONDAY = 4 * 24  # hours since the epoch
weights = st.tuples(*[st.floats(0.1, 10)] * WEEK_HOURS)
times = st.floats(0, 4e9)


def test_a_flat_week_measures_plain_hours() -> None:
    assert FLAT.between(0, 10 * HOUR_S) == 10
    assert FLAT.at(12_345) == 1.0


@given(weights, times, times, times)
def test_spans_add_up_and_a_week_is_168_average_hours(
    some: tuple[float, ...], one: float, two: float, three: float
) -> None:
    shape, (a, b, c) = shape_of(some), sorted((one, two, three))
    assert abs(shape.between(a, b) + shape.between(b, c) - shape.between(a, c)) < 1e-3
    assert abs(shape.between(a, a + WEEK_HOURS * HOUR_S) - WEEK_HOURS) < 1e-3
    assert shape.between(c, a) == 0.0


def test_it_learns_which_hours_are_loud() -> None:
    counts = {MONDAY + h: 100 if h % 24 in range(18, 23) else 10 for h in range(3 * WEEK_HOURS)}
    shape = learned_shape(counts)
    evening, night = (MONDAY + 20) * HOUR_S, (MONDAY + 4) * HOUR_S
    assert 7 < shape.at(evening) / shape.at(night) < 10, "pulled to even traffic a little"
    assert shape.at(evening + WEEK_HOURS * HOUR_S) == shape.at(evening)


def test_hours_that_were_never_seen_are_like_other_days_and_silent_ones_are_not_dead() -> None:
    day = learned_shape({MONDAY + h: 0 if h == 3 else 50 for h in range(24)})
    assert 0.0 < day.at((MONDAY + 3) * HOUR_S) < 0.5
    assert 0.0 < day.at((MONDAY + 24 + 3) * HOUR_S) < 0.5
    assert 0.8 < day.at((MONDAY + 24 + 4) * HOUR_S) < 1.2
    morning = learned_shape({MONDAY + h: 50 for h in range(12)})
    assert 0.8 < morning.at((MONDAY + 20) * HOUR_S) < 1.2, "of no day seen: average"
    assert learned_shape({}) == FLAT == learned_shape({MONDAY: 0})


def test_within_some_hours_a_week_has_only_these() -> None:
    mornings = tuple(6 <= at % 24 < 12 for at in range(WEEK_HOURS))
    some = within(FLAT, mornings)
    week, day = WEEK_HOURS * HOUR_S, MONDAY * HOUR_S
    assert some.between(day, day + week) == 7 * 6
    assert some.between(day, day + 8 * HOUR_S) == 2
    assert some.between(day + 12 * HOUR_S, day + 30 * HOUR_S) == 0
    assert some.at(day + 7 * HOUR_S) == FLAT.at(day)
