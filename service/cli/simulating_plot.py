"""Draws a simulation as SVG: a panel for each campaign, delivered against due; reads no files."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from service.cli.simulating_tables import day_of
from service.flows.goals import Delivery
from service.flows.simulated import World
from service.web.charts import ceiling, divisions, tick_every
from service.web.pages import render

WIDTH, MARGIN, HEAD = 960.0, 24.0, 92.0
GAP = 20.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 56.0, 28.0  # inside a panel, around its lines
PANELS_MAX = 60
POINTS_MAX = 168
_TICKS = (1, 2, 7, 14)  # days between two labels
_NEAR = 0.03  # of what was due: delivered as it should be
_NAME_PX, _SHARE_PX = 7.8, 60.0  # of a letter, and of the room beside a name
_COLUMNS: Sequence[tuple[int, int, float]] = (
    (1, 1, 340.0), (4, 2, 250.0), (PANELS_MAX, 3, 212.0),
)  # fmt: skip
"""Up to so many panels stand in so many columns, each so high."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One campaign's lines in the drawing's units, its words, and its axes' labels with places.

    `label` is the name as far as there is room.
    """

    name: str
    label: str
    verdict: str
    share: str
    near: bool
    x: float
    y: float
    width: float
    height: float
    delivered: str
    area: str
    due: str
    scale: Sequence[tuple[float, str]]
    days: Sequence[tuple[float, str]]


def plot(world: World, found: Sequence[Delivery]) -> str:
    """Return the drawing; of many campaigns, those with goals and then those that deliver most."""
    goals = {one.campaign for one in found if one.held}
    found = [one for one in found if one.held or one.campaign not in goals]
    ranked = sorted(range(len(found)), key=lambda at: (not found[at].held, -sum(found[at].hours)))
    shown = [found[at] for at in sorted(ranked[:PANELS_MAX])]
    columns, height = next(rest for most, *rest in _COLUMNS if len(shown) <= most)
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
    panels = [
        _panel(
            world, one, MARGIN + (width + GAP) * (at % columns),
            HEAD + (height + GAP) * (at // columns), (width, height),
        )
        for at, one in enumerate(shown)
    ]  # fmt: skip
    rows = -(-len(shown) // columns)
    return render(
        "simulation.svg", panels=panels, width=WIDTH, height=HEAD + rows * (height + GAP) + 4,
        title=f"What {world.site.name} would deliver",
        about=f"Simulated: {world.views:,} page views in {world.days} days from {day_of(world, 0)}"
        f", seed {world.seed}",
        missing=len(found) - len(shown),
    )  # fmt: skip


def _panel(world: World, one: Delivery, x: float, y: float, size: tuple[float, float]) -> Panel:
    width, height = size
    done, due = _sums(one)
    top = ceiling(round(max(done[-1], due[-1] if due else 0)))
    share = done[-1] / due[-1] if due and due[-1] else None
    across, floor = width - LEFT - RIGHT, height - BOTTOM

    def path(counts: Sequence[float]) -> str:
        every = -(-len(counts) // POINTS_MAX)
        hours = [*range(every - 1, len(counts) - 1, every), len(counts) - 1]
        points = [(0, 0.0), *((hour + 1, counts[hour]) for hour in hours)]
        return "M" + " L".join(
            f"{LEFT + across * hour / len(counts):.1f},{floor - (floor - TOP) * count / top:.1f}"
            for hour, count in points
        )

    line, steps = path(done), divisions(top)
    every = tick_every(world.days, _TICKS)
    return Panel(
        one.campaign, _fitting(one.campaign, width), _verdict(one, done, due),
        "" if share is None else f"{share:.1%}", share is None or abs(share - 1) <= _NEAR,
        x, y, width, height,
        line, f"{line} L{width - RIGHT:.1f},{floor:.1f} L{LEFT:.1f},{floor:.1f} Z",
        path(due) if due else "",
        [
            (round(floor - (floor - TOP) * at / steps, 1), _short(top * at // steps))
            for at in range(steps + 1)
        ],
        [
            (round(LEFT + across * (day + 0.5) / world.days, 1), f"{day + 1}")
            for day in range(0, world.days, every)
        ],
    )  # fmt: skip


def _sums(one: Delivery) -> tuple[Sequence[float], Sequence[float]]:
    """Return what was delivered and due by the end of each hour; all, and none, without goals."""
    if not one.held:
        return list(accumulate(one.hours)), ()
    done = [sum(counts) for counts in zip(*(held.delivered for held in one.held), strict=True)]
    return done, [sum(due) for due in zip(*(held.due for held in one.held), strict=True)]


def _verdict(one: Delivery, done: Sequence[float], due: Sequence[float]) -> str:
    if not due:
        return f"{done[-1]:,} {one.unit}, no goal"
    return f"{done[-1]:,} of {due[-1]:,.0f} {one.unit} due"


def _fitting(name: str, width: float) -> str:
    most = int((width - LEFT - _SHARE_PX) / _NAME_PX)
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _short(count: int) -> str:
    """Return a round number in few letters."""
    for unit, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= unit:
            return f"{count / unit:g}{letter}"
    return str(count)
