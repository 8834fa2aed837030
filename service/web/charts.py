"""Draws a range's figures over time as plain SVG numbers; knows nothing of requests.

Two panels share one time axis, because clicks would be flat beside views on one scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.overview import Figures

WIDTH = 960
LEFT = 52
RIGHT = 8
LINES_TOP, LINES_HEIGHT = 14, 190
BARS_TOP, BARS_HEIGHT = 246, 96
# Where a scale may end, and into how many round steps it then divides.
_CEILINGS = (
    (4, 4), (5, 5), (6, 3), (8, 4), (10, 5), (12, 4), (15, 3), (20, 4), (25, 5), (30, 3), (40, 4),
)  # fmt: skip
LABELS_MAX = 12
DOTS_MAX = 50
BAR_MAX = 16.0
LINES = ("views", "impressions", "viewable")
BARS = ("clicks", "shares")


@dataclass(frozen=True, slots=True)
class Slot:
    """One hour or day of the axis; `figures` None lies in the future."""

    label: str
    tick: str | None
    figures: Figures | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle, or with a height of 0 a point or a tick, with its text if it has one."""

    x: float
    y: float
    width: float = 0.0
    height: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """All numbers of the drawing: paths and points per line, rectangles per bar, axes."""

    lines: Mapping[str, str]
    area: str
    dots: Mapping[str, Sequence[Mark]]
    bars: Mapping[str, Sequence[Mark]]
    scale: Sequence[Mark]
    ticks: Sequence[Mark]
    slots: Sequence[Mark]


def draw(slots: Sequence[Slot]) -> Chart:
    """Return the drawing of at least one slot, in order of time."""
    step = (WIDTH - LEFT - RIGHT) / len(slots)
    centres = [LEFT + step * (index + 0.5) for index in range(len(slots))]
    known = [slot.figures for slot in slots if slot.figures is not None]
    top = ceiling(max((getattr(one, name) for one in known for name in LINES), default=0))
    high = ceiling(max((getattr(one, name) for one in known for name in BARS), default=0))
    dots = {name: _points(name, known, centres, top) for name in LINES}
    paths = {name: "M" + " L".join(f"{p.x:g},{p.y:g}" for p in dots[name]) for name in LINES}
    floor = LINES_TOP + LINES_HEIGHT
    views = dots["views"]
    area = f"{paths['views']} L{views[-1].x:g},{floor} L{views[0].x:g},{floor} Z" if views else ""
    return Chart(
        paths if views else {},
        area,
        dots if len(slots) <= DOTS_MAX else {},
        {name: _bars(index, known, centres, high, step) for index, name in enumerate(BARS)},
        (*_scale(top, LINES_TOP, LINES_HEIGHT), *_scale(high, BARS_TOP, BARS_HEIGHT)),
        [
            Mark(round(x, 1), BARS_TOP + BARS_HEIGHT + 20, text=slot.tick)
            for x, slot in zip(centres, slots, strict=True)
            if slot.tick is not None
        ],
        [
            Mark(round(LEFT + step * index, 1), LINES_TOP, round(step, 1), _whole(), _tip(slot))
            for index, slot in enumerate(slots)
        ],
    )


def tick_every(count: int, steps: Sequence[int]) -> int:
    """Return the smallest of `steps` that leaves an axis of `count` slots readable."""
    return next((step for step in steps if count / step <= LABELS_MAX), steps[-1])


def ceiling(most: int) -> int:
    """Return the next number of the kind people count in: 4, 5, 6, 8, 10, 12, 15, 20, 25, …."""
    magnitude = 1
    while most > _CEILINGS[-1][0] * magnitude:
        magnitude *= 10
    return next(n * magnitude for n, _ in _CEILINGS if most <= n * magnitude)


def divisions(top: int) -> int:
    """Return into how many round steps a scale that ends at a ceiling divides."""
    leading = int(str(top).rstrip("0") or "0")
    return next(ticks for n, ticks in _CEILINGS if int(str(n).rstrip("0")) == leading)


def _points(name: str, known: Sequence[Figures], centres: Sequence[float], top: int) -> list[Mark]:
    return [
        Mark(round(x, 1), round(LINES_TOP + LINES_HEIGHT * (1 - getattr(one, name) / top), 1))
        for x, one in zip(centres, known, strict=False)
    ]


def _bars(
    index: int, known: Sequence[Figures], centres: Sequence[float], high: int, step: float
) -> list[Mark]:
    width = min(BAR_MAX, step * 0.36)
    gap = min(1.0, width / 4)
    shift = gap / 2 if index else -width - gap / 2
    bars: list[Mark] = []
    for x, one in zip(centres, known, strict=False):
        height = BARS_HEIGHT * getattr(one, BARS[index]) / high
        if height:
            y = BARS_TOP + BARS_HEIGHT - height
            bars.append(Mark(round(x + shift, 1), round(y, 1), round(width, 1), round(height, 1)))
    return bars


def _scale(top: int, above: int, height: int) -> list[Mark]:
    ticks = divisions(top)
    return [
        Mark(LEFT, round(above + height * (1 - part / ticks), 1), text=f"{top * part // ticks:,}")
        for part in range(ticks + 1)
    ]


def _tip(slot: Slot) -> str:
    if slot.figures is None:
        return f"{slot.label}: still to come"
    counts = [f"{getattr(slot.figures, name):,} {name}" for name in (*LINES, *BARS)]
    return f"{slot.label}: {', '.join(counts)}"


def _whole() -> int:
    return BARS_TOP + BARS_HEIGHT - LINES_TOP
