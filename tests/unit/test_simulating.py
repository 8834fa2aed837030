"""`simulate` as people run it: what it refuses, what it prints, and that table and plot agree."""

import re
from io import StringIO
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import pytest

from service.cli import main
from tests.serving import ROOT
from tests.written import Written

TUESDAY = "2026-11-24"
TWO = (
    "{start: 2026-11-24T00:00:00Z, end: 2026-11-25T00:00:00Z, goal: {impressions: 1000}},"
    " {start: 2026-11-26T00:00:00Z, end: 2026-11-27T00:00:00Z, goal: {impressions: 1500}}"
)
LONG = "{start: 2026-11-24T00:00:00Z, end: 2026-12-24T00:00:00Z, goal: {impressions: 30000}}"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(Path(copytree(ROOT / "config", tmp_path / "config")))


@pytest.fixture
def simulate(written: Written, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> "Simulate":
    return Simulate(written, tmp_path / "plot.svg", capsys)


class Simulate:
    """Runs the command for three days in a test's configuration."""

    def __init__(self, written: Written, plot: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.written, self.plot, self._capsys = written, plot, capsys

    def __call__(self, *flags: str, code: int = 0) -> str:
        """Return what it prints, to standard error where it refuses."""
        given = ["--days=3", "--views=12000", f"--start={TUESDAY}", f"--plot={self.plot}"]
        config = f"--config={self.written.directory}"
        assert main(["simulate", *given, config, *flags]) == code
        out, err = self._capsys.readouterr()
        assert (err == "") is (code == 0), "no progress bar but on a terminal"
        return err if code else out

    def row(self, said: str, name: str, at: int = 0) -> list[str]:
        """Return the figures of a row of the table."""
        rows = [line for line in said.splitlines() if line.startswith(name)]
        return re.findall(r"[\d,.%]+", rows[at][len(name) :])


def numbers(row: list[str]) -> list[int]:
    return [int(text.replace(",", "")) for text in row]


def test_each_flight_is_told_with_its_own_goal_by_day(simulate: Simulate) -> None:
    simulate.written.campaign("two", flights=TWO)
    said = simulate()
    by_day = numbers(simulate.row(said, "two impressions"))
    assert sum(by_day[:3]) == by_day[3]
    assert by_day[0] == pytest.approx(1_000, rel=0.1)
    assert by_day[2] == pytest.approx(1_500, rel=0.1)
    assert simulate.row(said, "  of 1,000")[0] == simulate.row(said, "two impressions")[0]
    assert simulate.row(said, "  due by then")[0] == "1,000"
    of_due = simulate.row(said, "  due by then", 1)
    assert of_due[0] == "1,500"
    assert float(of_due[1].rstrip("%")) == pytest.approx(100, abs=10)


def test_a_goal_of_a_month_is_held_against_what_is_due_of_it(simulate: Simulate) -> None:
    simulate.written.campaign("long", flights=LONG)
    due = simulate.row(simulate(), "  due by then")
    assert numbers(due[:3]) == pytest.approx([1_080, 2_160, 3_240], rel=0.05)


def test_a_table_holds_a_week(simulate: Simulate) -> None:
    said = simulate("--days=9", "--views=500")
    heads = [line.split()[3:-2] for line in said.splitlines() if line.startswith("delivered by")]
    assert heads == [[*"1234567"], ["8", "9"]]
    last = numbers(simulate.row(said, "vital-signs impressions", 1))
    assert last[-1] > sum(last[:-1])


def test_the_plot_ends_where_the_table_does(simulate: Simulate) -> None:
    simulate.written.campaign("two", flights=TWO)
    said = simulate()
    drawn = simulate.plot.read_text()
    total = simulate.row(said, "two impressions")[-1]
    assert f"{total} of 2,500 impressions due" in drawn
    assert f"{simulate.row(said, 'vital-signs impressions')[-1]} impressions, no goal" in drawn


def test_the_same_seed_draws_the_same_file(simulate: Simulate) -> None:
    simulate("--seed=7", "--replicas=2")
    first = simulate.plot.read_bytes()
    simulate("--seed=7", "--replicas=2")
    assert simulate.plot.read_bytes() == first
    simulate("--seed=8", "--replicas=2")
    assert simulate.plot.read_bytes() != first


@pytest.mark.parametrize("campaigns", [0, 1, 5, 12, 70])
def test_labels_and_panels_stay_apart_and_inside(simulate: Simulate, campaigns: int) -> None:
    simulate.written.campaign("vital-signs", "paused: true")
    for number in range(campaigns):
        simulate.written.campaign(f"a-campaign-with-a-name-that-goes-on-{number}", flights=LONG)
    simulate("--days=1", "--views=200")
    root = ElementTree.fromstring(simulate.plot.read_text())
    panels = root.findall("{*}g[{*}rect]")
    assert len(panels) == min(campaigns, 60)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = []
    for panel in panels:
        x, y = map(float, re.findall(r"[\d.]+", panel.attrib["transform"]))
        size = panel.find("{*}rect")
        assert size is not None
        across, down = float(size.attrib["width"]), float(size.attrib["height"])
        boxes.append((y, x, x + across, y + down))
        for text in panel.findall("{*}text"):
            assert 0 <= float(text.attrib["x"]) <= across
            assert 0 <= float(text.attrib["y"]) <= down
    assert all(right <= width and end <= height for _, _, right, end in boxes)
    for (y, _, right, _), (after, x, _, _) in pairwise(sorted(boxes)):
        assert after > y or x > right
    assert ("without 10 more campaigns" in simulate.plot.read_text()) is (campaigns == 70)


def test_who_delivers_nothing_is_named_with_the_reason(simulate: Simulate) -> None:
    simulate.written.campaign("later", flights="{start: 2027-01-01T00:00:00Z}")
    simulate.written.campaign("german", "target: {country: [DE], section: [Sport]}")
    more = "}\n  - {id: twice, headline: H, placements: [top]"
    simulate.written.campaign("paused", "paused: true", creative=more)
    said = simulate()
    assert "paused delivers nothing: it is paused" in said
    assert "paused: clicks missed" not in said
    assert "later delivers nothing: no hour of its flights is among these days" in said
    assert numbers(simulate.row(said, "german impressions"))[-1] > 4_000
    assert "later impressions" not in said


def test_known_click_rates_are_simulated_and_regret_is_told(simulate: Simulate) -> None:
    more = "}\n  - {id: c-2, headline: H, placements: [top]"
    simulate.written.campaign("c", creative=more)
    said = simulate("--rate", "c-1=1.3", "--rate", "c-2=5%")
    assert "c: true click rates c-1 1.30%, c-2 5.00%" in said
    assert re.search(r"^c: clicks missed against always the best \d+;", said, re.MULTILINE)
    assert re.search(r"an even split would have missed \d+ \(\d+% of that\)$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("flag", "field"),
    [
        ("--replicas=-3", "--replicas"),
        ("--replicas=0", "--replicas"),
        ("--days=0", "--days"),
        ("--days=61", "--days"),
        ("--views=0", "--views"),
        ("--seed=-1", "--seed"),
        ("--site=nowhere", "--site"),
        ("--start=tomorrow", "--start"),
        ("--start=0001-01-01", "--start"),
        ("--rate=nobody=1", "--rate"),
        ("--rate=vs-text", "--rate"),
        ("--rate=vs-text=101", "--rate"),
        ("--rate=vs-text=nan", "--rate"),
        ("--plot=missing/plot.svg", "--plot"),
        ("--plot=/", "--plot"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_flag_before_the_run(
    simulate: Simulate, flag: str, field: str
) -> None:
    said = simulate("--views=100000000", flag, code=65)
    assert said.startswith(f"{field}: ")
    assert said.count("\n") == 1
    assert not simulate.plot.exists()


def test_a_terminal_sees_how_far_it_is(simulate: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    simulate("--days=1", "--views=10")
    assert terminal.getvalue().endswith(f"\r[{'#' * 40}] 100%\n")
    assert f"\r[{'#' * 20}{'.' * 20}]  50%" in terminal.getvalue()
