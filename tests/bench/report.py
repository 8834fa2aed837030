"""The results as a table for people and as JSON for whoever compares runs; measures nothing."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median

from tests.bench.footprint import Footprint
from tests.bench.measured import Measured, Pair
from tests.bench.outage import Outage
from tests.bench.rounds import Rounds
from tests.bench.rows import ROWS, Row

HEAD = (
    f"{'row':10}{'ratio':>6} {'(lowest–highest)':17}{'best':>5}{'rate':>6}{'µs':>8}{'base µs':>9}"
    f"{'per s':>8}{'base/s':>8}{'p50 ms':>8}{'p99 ms':>8}"
)
_RATIOS = {
    "decision": ("decision × canned, CPU", 0.65),
    "events": ("events × read only, CPU", 0.6),
}
_COSTS = {
    "ua_flood": ("ua_flood ÷ decision, CPU", 1.3),
    "many": ("10,000 campaigns ÷ 10, CPU per decision", 1.1),
    "many_open": ("10,000 campaigns ÷ 10 for any page, CPU per decision", 1.1),
}
_TRIPS = frozenset({"events", "scattered"})
_TAILS = {
    "replan": "10,000 campaigns ÷ 10, p99 while planning",
    "reload": "reloading ÷ not, 10,000 campaigns, p99",
    "stopped": "p99 with Redis stopped ÷ with it running",
}
EXPLAINED = """\
ratio: server CPU per answer of the base ÷ the row's, pair by pair; 1 = as cheap as the base.
rate: answers a second of the row ÷ the base's, pair by pair.
best: lowest CPU of the base in any round ÷ the row's lowest; the least disturbed witness.
All other figures are medians of the rounds."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and the bound that the project set for it."""

    name: str
    value: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure keeps within its bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        """Return a line that begins with the verdict."""
        sign = "≥" if self.at_least else "≤"
        digits = 2 if self.bound >= 0.1 else 3
        verdict = "pass" if self.met else "FAIL"
        return f"{verdict}  {self.name} {self.value:.{digits}f} {sign} {self.bound}"


@dataclass(frozen=True, slots=True)
class Results:
    """All of one run; what was not asked for is None."""

    facts: dict[str, str]
    rounds: Rounds | None
    footprint: Footprint | None
    outages: list[Outage] | None = None

    def goals(self) -> Iterator[Goal]:
        """Yield the goals that this run can judge."""
        if self.rounds:
            yield from _goals_of_rows(self.rounds)
        if self.footprint:
            yield Goal("idle Pss without engine, MB", median(self.footprint.idle_mb), 110)
            yield Goal("warm start, s", median(self.footprint.starts_s), 3)

    def text(self) -> str:
        """Return everything for a terminal."""
        lines = [f"{name}: {value}" for name, value in self.facts.items()]
        if self.rounds:
            lines += ["", HEAD, *_rows(self.rounds), "", EXPLAINED, *_texts(self.rounds)]
            lines += ["", *_counted(self.rounds)]
        if self.outages:
            lines += ["", *_after_outages(self.outages)]
        if self.footprint:
            light = self.footprint
            lines += ["", f"idle Pss without engine, MB: {_figures(light.idle_mb, 1)}"]
            lines += [f"warm starts with engine, s: {_figures(light.starts_s, 2)}"]
            lines += [f"CPU in them, without engine, s: {_figures(light.starts_cpu_s, 2)}"]
        return "\n".join((*lines, "", *map(str, self.goals()), ""))

    def json(self) -> dict[str, object]:
        """Return everything, each round included."""
        rounds, footprint = self.rounds, self.footprint
        return {
            "facts": self.facts,
            "rows": {
                name: {"cpu_ratio": rounds.cpu_ratio(name), "pairs": [asdict(p) for p in pairs]}
                for name, pairs in rounds.pairs.items()
            }
            if rounds
            else {},
            "loaded_pss_mb": rounds.loaded_mb if rounds else [],
            "outages": [asdict(outage) for outage in self.outages or []],
            "footprint": asdict(footprint) if footprint else None,
            "goals": [{**asdict(goal), "met": goal.met} for goal in self.goals()],
        }


def line(name: str, pairs: list[Pair]) -> str:
    """Return the table's line for some rounds of a row."""

    def of(figure: Callable[[Pair], float]) -> float:
        return median(map(figure, pairs))

    ratios = [pair.cpu_ratio for pair in pairs]
    span = f"({min(ratios):.2f}–{max(ratios):.2f})"
    best = min(pair.base.us for pair in pairs) / min(pair.row.us for pair in pairs)
    return (
        f"{name:10}{of(lambda p: p.cpu_ratio):6.2f} {span:17}{best:5.2f}"
        f"{of(lambda p: p.rate_ratio):6.2f}"
        f"{of(lambda p: p.row.us):8.1f}{of(lambda p: p.base.us):9.1f}"
        f"{of(lambda p: p.row.per_s):8.0f}{of(lambda p: p.base.per_s):8.0f}"
        f"{of(lambda p: p.row.p50_ms):8.2f}{of(lambda p: p.row.p99_ms):8.2f}"
    )


def _measured_rows(rounds: Rounds) -> list[Row]:
    return [row for row in ROWS if row.name in rounds.pairs]


def _rows(rounds: Rounds) -> list[str]:
    return [line(row.name, rounds.pairs[row.name]) for row in _measured_rows(rounds)]


def _goals_of_rows(rounds: Rounds) -> Iterator[Goal]:
    for name, pairs in rounds.pairs.items():
        if name in _RATIOS:
            text, least = _RATIOS[name]
            yield Goal(text, rounds.cpu_ratio(name), least, True)
        if name in _COSTS:
            text, most = _COSTS[name]
            yield Goal(text, median(1 / pair.cpu_ratio for pair in pairs), most)
        if name in _TRIPS:
            yield Goal(f"{name}: round trips to Redis per event", rounds.round_trips(name), 0.05)
        if name in _TAILS:
            yield Goal(_TAILS[name], median(pair.p99_ratio for pair in pairs), 2)


def _texts(rounds: Rounds) -> list[str]:
    return [f"{row.name}: {row.text}" for row in _measured_rows(rounds)]


def _counted(rounds: Rounds) -> Iterator[str]:
    """Yield what became of the events, and how much a full beacon gains over single ones."""
    event_rates: dict[str, float] = {}
    for row in _measured_rows(rounds):
        measured: list[Measured] = [pair.row for pair in rounds.pairs[row.name]]
        if row.name in _TAILS:
            tails = [pair.p99_ratio for pair in rounds.pairs[row.name]]
            yield f"{row.name}: p99 ÷ the base's {_figures(tails, 2)}, median {median(tails):.2f}"
        if row.events:
            valid = sum(each.verdicts.get("valid", 0) for each in measured)
            repeated = sum(each.verdicts.get("duplicate", 0) for each in measured)
            event_rates[row.name] = median(each.per_s for each in measured) * row.events
            yield (
                f"{row.name}: {valid} events counted valid, {repeated} duplicate, none other;"
                f" {event_rates[row.name]:.0f} events a second;"
                f" {rounds.round_trips(row.name):.4f} round trips to Redis each"
            )
    if {"events", "events20"} <= event_rates.keys():
        yield f"events20 ÷ events: {event_rates['events20'] / event_rates['events']:.1f} × events/s"
    yield f"Pss of the service after a round: {median(rounds.loaded_mb):.1f} MB"


def _after_outages(outages: list[Outage]) -> Iterator[str]:
    """Yield how fast a backlog was shipped and what it did to decisions, medians of the rounds."""

    def of(figure: Callable[[Outage], float]) -> float:
        return median(map(figure, outages))

    yield (
        f"outage: {outages[0].queued} events queued, shipped {of(lambda o: o.alone.per_s):.0f} a"
        f" second ({of(lambda o: o.alone.cpu_s / o.alone.events) * 1e6:.1f} µs of CPU each);"
        f" beside decisions {of(lambda o: o.loaded.events):.0f}"
        f" in {of(lambda o: o.loaded.seconds):.1f} s, {of(lambda o: o.loaded.per_s):.0f} a second"
    )
    yield (
        f"decisions meanwhile: {of(lambda o: o.rate_ratio):.2f} × the rate without"
        f" ({of(lambda o: o.beside.per_s):.0f} a second),"
        f" {of(lambda o: o.p99_ratio):.2f} × the p99 ({of(lambda o: o.beside.p99_ms):.2f} ms)"
    )


def _figures(figures: list[float], digits: int) -> str:
    return " ".join(f"{figure:.{digits}f}" for figure in figures)
