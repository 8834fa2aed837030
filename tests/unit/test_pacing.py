"""A pace uses a budget up exactly at its end: by the arithmetic, and in a world without noise."""

import pytest

from service.domain.pacing import FIRST, FRONT_LOADING, PROBE, Budget, Pacer, line
from service.domain.traffic import FLAT, HOUR_S, Shape, shape_of

UNEVEN = shape_of(tuple(1.0 + 0.9 * (-1) ** (hour // 12) for hour in range(168)))


def seasoned(capacity: float, pace: float, now_s: float = 1e6) -> Pacer:
    return Pacer(pace, 0.0, deliveries=capacity, exposure=1.0, at_s=now_s, since_s=1.0)


def test_the_pace_is_what_is_wanted_over_what_could_be() -> None:
    assert seasoned(1_000, 0.5).steered(Budget(2_000, 10), FLAT, 0).pace == pytest.approx(0.2)
    assert seasoned(10, 0.5).steered(Budget(2_000, 10), FLAT, 0).pace == 1.0
    assert seasoned(1_000, 0.5).steered(Budget(0, 10), FLAT, 0).pace == 0.0
    front = seasoned(1_000, 0.5).steered(Budget(2_000, 10, front_loaded=True), FLAT, 0)
    assert front.pace == pytest.approx(0.2 * FRONT_LOADING)


def test_the_day_binds_where_it_is_tighter() -> None:
    pacer = seasoned(1_000, 0.5)
    assert pacer.steered(Budget(20_000, 100, 50, 10), FLAT, 0).pace == pytest.approx(0.005)
    assert pacer.steered(Budget(2_000, 100, 5_000, 10), FLAT, 0).pace == pytest.approx(0.02)
    assert pacer.steered(Budget(20_000, 100, 0, 10), FLAT, 0).pace == 0.0


def test_offers_underway_are_reserved() -> None:
    pacer = seasoned(3_600, 1.0)  # one a second
    assert pacer.rate(FLAT) == pytest.approx(1.0)
    assert pacer.steered(Budget(300, 1), FLAT, 300).pace == 0.0, "all of it is on its way"
    assert pacer.steered(Budget(600, 1), FLAT, 300).pace == pytest.approx(300 / 3_600)


def probing(seconds: float, delay_s: float = 0.0, left: float = 1_000.0) -> float:
    """Return the pace of who has delivered nothing for so long, and could show in no time."""
    pacer = Pacer(FIRST, at_s=1.0 + seconds, since_s=1.0)
    return pacer.steered(Budget(left, 1e6), FLAT, delay_s).pace


def test_while_nothing_is_known_it_probes_and_begins_with_next_to_nothing() -> None:
    assert probing(0) == FIRST
    assert probing(10) == pytest.approx(4 * FIRST)
    assert probing(100, delay_s=50) == pytest.approx(4 * FIRST), "what it brought must show first"
    assert probing(50) == probing(10**9) == PROBE
    assert probing(50, left=5) == PROBE / 2
    assert probing(50, left=0.5) == 0.0


@pytest.mark.parametrize(("came", "pace"), [(0, 1.0), (1, 1.0), (4, 0.4)])
def test_what_little_came_is_a_hint_at_how_much_there_is(came: int, pace: float) -> None:
    # In an hour at a tenth: at full pace ten times as much, and one more for what is not known.
    pacer = Pacer(PROBE, came, came, exposure=PROBE, at_s=3_601.0, since_s=1.0)
    assert pacer.steered(Budget(20, 1), FLAT, 0).pace == pytest.approx(pace)


def test_who_was_seen_to_deliver_is_paced_and_probes_no_more() -> None:
    few, some = (Pacer(PROBE, n, n, exposure=0.01, at_s=3_601.0, since_s=1.0) for n in (2.0, 3.0))
    assert few.steered(Budget(20, 100), FLAT, 0).pace == PROBE
    assert some.steered(Budget(20, 100), FLAT, 0).pace == pytest.approx(0.2 / 400)


@pytest.mark.parametrize("delay_s", [1.0, 5.0, 60.0])
def test_a_small_goal_on_a_busy_site_is_not_overshot_before_it_is_known(delay_s: float) -> None:
    pacer, goal, per_s, start = Pacer(), 50, 2_000.0, 2_000 * 168 * HOUR_S
    arrivals: list[float] = []
    for second in range(1_800):
        arrived = sum(arrivals[: max(0, second - int(delay_s))])
        pacer = pacer.observed(start + second, arrived, FLAT, delay_s)
        pacer = pacer.steered(Budget(goal - arrived, 24 - second / HOUR_S), FLAT, delay_s)
        arrivals.append(pacer.pace * per_s)
    assert sum(arrivals) < goal


@pytest.mark.parametrize("shape", [FLAT, UNEVEN], ids=["flat", "uneven"])
@pytest.mark.parametrize("goal", [500, 20_000])
@pytest.mark.parametrize("front", [False, True], ids=["even", "front"])
def test_a_week_without_noise_ends_with_the_goal(shape: Shape, goal: int, front: bool) -> None:
    pacer, delivered, start = Pacer(), 0.0, 2_000 * 168 * HOUR_S
    end, step, capacity = start + 168 * HOUR_S, 60, 500.0
    for now in range(start, end, step):
        pacer = pacer.observed(now, delivered, shape, 0)
        budget = Budget(goal - delivered, shape.between(now, end), front_loaded=front)
        pacer = pacer.steered(budget, shape, 0)
        delivered += capacity * pacer.pace * shape.between(now, now + step)
        if now == start + 84 * HOUR_S:
            halfway, done = delivered, shape.between(start, now) / 168
    assert delivered == pytest.approx(goal, rel=0.01)
    assert halfway / goal == pytest.approx(line(done, front_loaded=front), abs=0.05)


def test_the_line_goes_from_nothing_to_all() -> None:
    for front in (False, True):
        assert line(-1, front_loaded=front) == line(0, front_loaded=front) == 0
        assert line(1, front_loaded=front) == line(2, front_loaded=front) == 1
    assert line(0.5, front_loaded=True) > 0.5
