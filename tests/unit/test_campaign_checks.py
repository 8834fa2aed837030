"""What campaigns get wrong, alone, together and against sites: named by file, line and field."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.domain.ads import Flight, Goal
from service.domain.sites import Repeat
from tests.serving import copied_config
from tests.written import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("target: {platform: [ios]}\nexclude: {platform: [ios]}", "exclude.platform", "leaves no"),
        ("exclude: {shared: ['yes', 'no']}", "exclude.shared", "leaves no shared"),
        ("target: {country: [DE]}\nexclude: {country: [FR, DE]}", "exclude.country", "leaves no"),
        ("target: {hour: [1, 2]}\nexclude: {hour: [2, 1]}", "exclude.hour", "leaves no hour"),
        ("target: {hour: [24]}", "target.hour[0]", "from 0 to 23"),
        ("target: {hour: ['9']}", "target.hour[0]", "whole number"),
        ("target: {weekday: [sunnday]}", "target.weekday[0]", "did you mean sunday?"),
        ("target: {country: [XX]}", "target.country[0]", "ISO 3166 like DE, not 'XX'"),
        ("target: {country: [UK]}", "target.country[0]", "the United Kingdom is GB"),
        ("target: {country: [NO]}", "target.country[0]", '"NO" if it is a word'),
        ("target: {country: [false]}", "target.country[0]", '"false"'),
        ("target: {language: [german!]}", "target.language[0]", "a language tag like en"),
        ("target: {path: [world/*]}", "target.path[0]", "a path like /world/*"),
        ("target: {path: ['/a?b=1']}", "target.path[0]", "a path like /world/*"),
        ("target: {tag: ['  ']}", "target.tag[0]", "1 to 60 characters"),
        ("target: {section: []}", "target.section", "at least 1"),
        ("target: {tag: [a, 'Rock, Paper']}", "target.tag[1]", "them; write [rock, paper]"),
        ("exclude: {tag: ['a,']}", "exclude.tag[0]", "pages send tags with commas between them"),
        ("target: {tag: [',']}", "target.tag[0]", "commas between them; write words"),
        ("target: {country: [DE, DE]}", "target.country[1]", "in this list already"),
        ("exclude: {source: [facebok]}", "exclude.source[0]", "there is no network `facebok`"),
        ("target: {source: [direct, x]}", "target.source[1]", "there are: bluesky, copy, direct"),
        ("target: {site: [example, exmple]}", "target.site[1]", "did you mean `example`?"),
        ("exclude: {site: [exmple]}", "exclude.site[0]", "did you mean `example`?"),
        ("target: {placement: [top, tpo]}", "target.placement[1]", "did you mean `top`?"),
        ("exclude: {placement: [tpo]}", "exclude.placement[0]", "did you mean `top`?"),
        ("target: {placement: [bottom]}", "target.placement", "none of the creatives fits"),
        ("exclude: {site: [example]}", "exclude.site", "leaves no site"),
        ("exclude: {placement: [top]}", "exclude.placement", "leaves no placement"),
        ("weight: 0", "weight", "use `paused: true`"),
        ("weight: -1", "weight", "must be above 0"),
        ("weight: 1e9", "weight", "at most 1000000"),
        ("timezone: Mars/Base", "timezone", "is not a time zone"),
        ("competes: [Drinks]", "competes[0]", "a-z"),
        ("pacing: quick", "pacing", "one of even, front"),
        ("cap: {max: 0, hours: 1}", "cap.max", "at least 1"),
    ],
)  # fmt: skip
def test_one_fault_is_named_with_its_file_line_and_field(
    written: Written, more: str, field: str, words: str
) -> None:
    ((file, line, where, message),) = written.campaign(more=more).found()
    assert (file, where) == ("c.yaml", field)
    assert line == 5 + more.count("\n")
    assert words in message


def test_a_site_that_the_campaign_is_not_for_leaves_none(written: Written) -> None:
    sites = written.directory / "sites"
    text = (sites / "example.yaml").read_text().replace("id: example", "id: other-one")
    (sites / "other-one.yaml").write_text(text)
    written.campaign(more="sites: [example]\ntarget: {site: [other-one]}")
    ((file, _, where, message),) = written.found()
    assert (file, where) == ("c.yaml", "target.site")
    assert "leaves no site" in message


@pytest.mark.parametrize(
    ("flights", "field", "words"),
    [
        ("{start: 2026-01-01T00:30:00Z}", "flights[0].start", "full UTC hours"),
        ("{start: 2026-01-01T00:00:00+05:30}", "flights[0].start", "full UTC hours"),
        ("{start: 2026-01-01T00:00:00}", "flights[0].start", "append Z for UTC"),
        ("{start: 2026-01-01T25:00:00Z}", "flights[0].start", "does not exist"),
        ("{start: 2026-13-01T00:00:00Z}", "flights[0].start", "does not exist"),
        ("{start: 2026-01-01}", "flights[0].start", "write it like"),
        (
            "{start: 2026-01-02T00:00:00Z, end: 2026-01-01T00:00:00Z}",
            "flights[0].end",
            "later than start",
        ),
        (
            "{start: 2026-01-02T00:00:00Z}, {start: 2026-01-03T00:00:00Z}",
            "flights[1].start",
            "overlaps flight 1",
        ),
        (
            "{start: 2026-01-02T00:00:00Z, goal: {per_day: 5}}",
            "flights[0].goal",
            "exactly one of impressions and clicks",
        ),
    ],
)
def test_flights_that_cannot_be_are_errors(
    written: Written, flights: str, field: str, words: str
) -> None:
    ((file, line, where, message),) = written.campaign(flights=flights).found()
    assert (file, line, where) == ("c.yaml", 4, field)
    assert words in message


@pytest.mark.parametrize(
    ("flights", "words"),
    [
        ("{start: 2026-01-01T00:00:00Z, end: 2026-02-01T00:00:00Z}", "is past"),
        ("{start: 2026-01-01T00:00:00Z, goal: {clicks: 9}}", "no end to be paced to"),
        (
            "{start: 2026-12-01T00:00Z, end: 2026-12-03T00:00Z, goal: {clicks: 21, per_day: 10}}",
            "allows 20 of 21 in this flight, which has 2 days in UTC",
        ),
    ],
)
def test_flights_that_are_only_unwise_are_warnings(
    written: Written, flights: str, words: str
) -> None:
    (problem,) = written.campaign(flights=flights).problems()
    assert problem.warning
    assert words in problem.message


@pytest.mark.parametrize(
    ("zone", "goal", "warned"),
    [
        ("UTC", "{impressions: 20, per_day: 10}", False),
        ("Asia/Tokyo", "{impressions: 30, per_day: 10}", False),  # which begins and ends at nine
        ("Asia/Tokyo", "{impressions: 31, per_day: 10}", True),
    ],
)
def test_days_of_a_goal_are_those_of_the_campaigns_zone(
    written: Written, zone: str, goal: str, *, warned: bool
) -> None:
    flights = f"{{start: 2026-12-01T00:00Z, end: 2026-12-03T00:00Z, goal: {goal}}}"
    written.campaign(more=f"timezone: {zone}", flights=flights)
    assert [problem.field for problem in written.problems()] == (
        ["flights[0].goal.per_day"] if warned else []
    )


def test_words_of_a_section_may_have_commas(written: Written) -> None:
    assert written.campaign(more="target: {section: ['Rock, Paper']}").problems() == []


def test_an_hour_that_clocks_skip_is_a_moment_by_its_offset(written: Written) -> None:
    # 02:00 to 03:00 does not exist in Berlin on that day; with an offset it is a UTC hour all the
    # same, at which clocks there show three.
    flights = "{start: 2027-03-28T02:00:00+01:00, end: 2027-03-28T03:00:00+01:00}"
    zone = "timezone: Europe/Berlin\n"
    made = written.campaign(more=f"{zone}target: {{hour: [3]}}", flights=flights).loaded()
    start = int(datetime(2027, 3, 28, 1, tzinfo=UTC).timestamp()) // 3_600
    assert made.campaigns["c"].flights == (Flight(start, start + 1),)
    written.campaign(more=f"{zone}target: {{hour: [2]}}", flights=flights)
    ((_, _, field, message),) = written.found()
    assert field == "target.hour"
    assert "in Europe/Berlin flight 1 runs from sunday 03:00 to sunday 04:00" in message


def test_ids_and_codes_are_used_once(written: Written) -> None:
    written.campaign("c").campaign("d")
    file = written.directory / "campaigns" / "d.yaml"
    file.write_text(file.read_text().replace("id: d", "id: c"))
    assert [(name, line, field) for name, line, field, _ in written.found()] == [
        ("d.yaml", 1, "id"),
        ("d.yaml", 7, "creatives[0].id"),
    ]


def test_a_creative_needs_an_arm_that_some_site_of_its_has(written: Written) -> None:
    ((file, line, field, message),) = written.campaign(creative=", arms: [a]").found()
    assert (file, line, field) == ("c.yaml", 7, "creatives[0].arms[0]")
    assert "no site of this campaign has an arm `a`" in message


@pytest.mark.parametrize(
    ("experiment", "field", "words"),
    [
        ("{holdout: 0.6}", "experiment.holdout", "at most 0.5"),
        ("{holdout: 0.5, arms: {a: 0.6}}", "experiment.arms", "make 1.1: at most 1"),
        ("{arms: {g: 0.5}}", "experiment.arms.g", "one of a, b, c, d, e, f"),
        ("{arms: {a: 0}}", "experiment.arms.a", "above 0"),
        ("{guard: 1}", "experiment.guard", "at most 0.5"),
    ],
)
def test_experiments_deal_what_there_is(
    written: Written, experiment: str, field: str, words: str
) -> None:
    ((file, _, where, message),) = written.campaign().site(f"experiment: {experiment}").found()
    assert (file, where) == ("example.yaml", field)
    assert words in message


def test_what_is_right_arrives_whole(written: Written) -> None:
    more = (
        "competes: [drinks]\npacing: front\noptimise: false\ntimezone: Europe/Paris\n"
        "target: {country: [de, ZZ], language: [pt-BR], tag: ['  Big   NEWS '], hour: [0, 23]}"
    )
    goal = "goal: {impressions: 9, per_day: 3}"
    flights = f"{{start: 2027-01-01T00:00Z, end: 2027-01-02T00:00Z, {goal}}}"
    written.campaign(more=more, creative=", arms: [a]", flights=flights)
    catalog = written.site("experiment: {arms: {a: 1}}\nrepeat: never").loaded()
    made, where = catalog.campaigns["c"], catalog.sites["example"]
    assert made.target == {
        "country": {"de", "zz"}, "language": {"pt-br"}, "tag": {"big news"}, "hour": {"0", "23"},
    }  # fmt: skip
    assert (made.front_loaded, made.optimise, *made.competes) == (True, False, "drinks")
    assert made.flights[0].goal == Goal(9, None, 3)
    assert made.creatives[0].arms == frozenset("a")
    assert (where.repeat, where.experiment.arms) == (Repeat.NEVER, {"a": 1.0})


def test_everything_is_told_at_once(written: Written) -> None:
    written.campaign(
        "c", "weight: 0\ntarget: {country: [XX, UK], source: [x]}", creative=", arms: [b]"
    )
    written.campaign("d", "exclusive: true\ncap: {max: 0, hours: 0}", flights="{start: 2026-01-01}")
    written.campaign("e", creative=", arms: [b]")
    fields = {(file, field) for file, _, field, _ in written.found()}
    assert fields == {
        ("c.yaml", "weight"), ("c.yaml", "target.country[0]"), ("c.yaml", "target.country[1]"),
        ("c.yaml", "target.source[0]"), ("c.yaml", "creatives[0].arms[0]"),
        ("d.yaml", "cap.max"), ("d.yaml", "cap.hours"), ("d.yaml", "flights[0].start"),
        ("e.yaml", "creatives[0].arms[0]"),
    }  # fmt: skip
