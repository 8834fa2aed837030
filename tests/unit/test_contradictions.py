"""What a campaign says in one place and denies in another: named where it is mended."""

from pathlib import Path

import pytest

from tests.serving import copied_config
from tests.written import Written

NETWORKS = (
    "[facebook, twitter, reddit, linkedin, whatsapp, telegram, bluesky, threads, mastodon,"
    " hackernews, email, copy, native]"
)
WEEKEND = "{start: 2026-12-05T00:00:00Z, end: 2026-12-07T00:00:00Z}"  # Saturday and Sunday


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("target: {source: [direct], shared: ['yes']}", "target.shared", "direct visit is no sha"),
        ("target: {source: [direct]}\nexclude: {shared: ['no']}", "exclude.shared", "name a netw"),
        ("target: {source: [facebook], shared: ['no']}", "target.shared", "name direct in `sourc"),
        ("target: {shared: ['no']}\nexclude: {source: [direct]}", "target.shared", "name direct"),
        ("target: {language: [en-GB]}\nexclude: {language: [EN]}", "exclude.language", "leaves no"),
        ("target: {path: [/a/b*]}\nexclude: {path: [/a/*]}", "exclude.path", "leaves no path"),
        ("target: {platform: [unknown]}\nexclude: {platform: [ios]}", "exclude.platform", "leaves"),
        ("exclude: {platform: [ios, android, desktop]}", "exclude.platform", "leaves no platform"),
        ("exclude: {path: [/*]}", "exclude.path", "leaves no article of the campaign's sites"),
        ("target: {path: ['/a\"b*']}", "target.path[0]", "never matches, addresses are compared"),
        ("target: {path: ['/a%00']}", "target.path[0]", "control characters"),
    ],
)  # fmt: skip
def test_dimensions_that_leave_nobody_are_an_error(
    written: Written, more: str, field: str, words: str
) -> None:
    where, line, message = written.campaign(more=more).only()
    assert where == field
    last = field.startswith("exclude")
    assert line == 5 + (more.count("\n") if last else 0)
    assert words in message


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ("target: {source: [copy, direct], shared: ['yes']}", "target.source[1]", "`shared` asks"),
        ("target: {source: [direct, copy], shared: ['no']}", "target.source[1]", "`shared` asks"),
        ("target: {tag: [a, b]}\nexclude: {tag: [B]}", "target.tag[1]", "`exclude.tag` refuses"),
        ("target: {hour: [7, 8]}\nexclude: {hour: [8]}", "target.hour[1]", "`exclude.hour` ref"),
        ("target: {language: [fr, en-GB]}\nexclude: {language: [en]}", "target.language[1]", "one"),
        ("target: {path: [/b, /a/b]}\nexclude: {path: [/a*]}", "target.path[1]", "refuses it"),
        (
            "target: {platform: [ios, unknown]}\nexclude: {platform: [android]}",
            "target.platform[1]",
            "refuses it",
        ),
        ("target: {source: [direct, whatsapp]}", "target.source[1]", "add it to a site's `share`"),
        (f"target: {{shared: ['yes']}}\nexclude: {{source: {NETWORKS}}}", "exclude.source", "gone"),
    ],
)
def test_what_is_useless_beside_the_rest_is_a_warning(
    written: Written, more: str, field: str, words: str
) -> None:
    where, _, message = written.campaign(more=more).only(warning=True)
    assert where == field
    assert words in message


@pytest.mark.parametrize(
    "more",
    [
        "target: {source: [direct], shared: ['no']}",
        "target: {source: [copy, facebook], shared: ['yes']}",
        "exclude: {source: [direct], shared: ['no']}",
        f"exclude: {{source: {NETWORKS}}}",
        "target: {language: [en]}\nexclude: {language: [en-GB]}",
        "target: {path: [/a/*]}\nexclude: {path: [/a/b*]}",
        "target: {platform: [unknown]}",
        "target: {weekday: [monday], hour: [2]}\ntimezone: America/New_York",
    ],
)
def test_what_may_be_shown_is_not_complained_of(written: Written, more: str) -> None:
    assert written.campaign(more=more).problems() == []


@pytest.mark.parametrize(
    ("more", "flights", "field"),
    [
        ("target: {weekday: [monday, friday]}", WEEKEND, "target.weekday"),
        ("exclude: {weekday: [saturday, sunday]}", WEEKEND, "exclude.weekday"),
        ("target: {weekday: [sunday], hour: [0, 9]}\ntimezone: Asia/Tokyo",
         "{start: 2026-12-05T15:00:00Z, end: 2026-12-05T20:00:00Z}", ""),
        ("target: {weekday: [sunday], hour: [9]}\ntimezone: Asia/Tokyo",
         "{start: 2026-12-05T15:00:00Z, end: 2026-12-05T20:00:00Z}", "target.hour"),
        ("target: {hour: [9]}", "{start: 2026-12-05T10:00:00Z, end: 2026-12-06T09:00:00Z}",
         "target.hour"),
        ("target: {hour: [9]}", "{start: 2026-12-05T10:00:00Z, end: 2026-12-06T10:00:00Z}", ""),
        ("target: {weekday: [saturday], hour: [1]}",
         "{start: 2026-12-05T02:00:00Z, end: 2026-12-06T02:00:00Z}", "target.weekday"),
        ("exclude: {hour: [2]}\ntimezone: Europe/Berlin",
         "{start: 2027-10-31T00:00:00Z, end: 2027-10-31T02:00:00Z}", "exclude.hour"),
        ("target: {weekday: [sunday], hour: [2]}\ntimezone: Europe/Berlin",
         "{start: 2027-03-23T00:00:00Z, end: 2027-04-12T00:00:00Z}", ""),
    ],
)  # fmt: skip
def test_times_that_no_flight_has_are_an_error(
    written: Written, more: str, flights: str, field: str
) -> None:
    written.campaign(more=more, flights=flights)
    if not field:
        assert written.problems() == []
        return
    where, line, message = written.only()
    assert (where, line) == (field, 5)
    assert "leaves no hour of a flight: in" in message


def test_the_flights_clock_is_told(written: Written) -> None:
    written.campaign(more="target: {weekday: [monday]}\ntimezone: Asia/Tokyo", flights=WEEKEND)
    # Until Monday 9:00 in Tokyo, where it is later.
    assert written.problems() == []
    written.campaign(more="target: {weekday: [friday]}\ntimezone: Asia/Tokyo", flights=WEEKEND)
    _, _, message = written.only()
    assert "in Asia/Tokyo flight 1 runs from saturday 09:00 to monday 09:00" in message


def test_one_flight_of_several_without_such_times_is_a_warning(written: Written) -> None:
    written.campaign(more="target: {weekday: [monday]}", flights=f"{WEEKEND}, "
        "{start: 2026-12-07T00:00:00Z, end: 2026-12-08T00:00:00Z}")  # fmt: skip
    field, line, message = written.only(warning=True)
    assert (field, line) == ("flights[0]", 4)
    assert "none of its hours is one of `weekday` and `hour` in UTC" in message


def test_contradictions_are_told_with_all_the_rest_and_hide_no_error(written: Written) -> None:
    written.campaign("c", "target: {source: [direct, x], shared: ['yes'], weekday: [monday]}\n"
        "exclude: {source: [x]}", flights=WEEKEND, creative=", arms: [b]")  # fmt: skip
    written.campaign("d", "target: {source: [direct], shared: ['yes'], language: [qq]}")
    written.campaign("e", "exclude: {platform: [ios, android, desktop], shared: ['yes', 'no']}")
    assert {(file, field) for file, _, field, _ in written.found()} == {
        ("c.yaml", "target.shared"), ("c.yaml", "target.source[1]"), ("c.yaml", "target.weekday"),
        ("c.yaml", "exclude.source[0]"), ("c.yaml", "creatives[0].arms[0]"),
        ("d.yaml", "target.language[0]"), ("d.yaml", "target.shared"),
        ("e.yaml", "exclude.platform"), ("e.yaml", "exclude.shared"),
    }  # fmt: skip
    (unknown,) = (one for one in written.problems() if one.field == "target.source[1]")
    assert "there is no network `x`" in unknown.message
