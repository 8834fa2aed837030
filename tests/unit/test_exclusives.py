"""Exclusive campaigns that could meet on a page view are an error; those that cannot are fine."""

from pathlib import Path

import pytest

from tests.serving import copied_config
from tests.written import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("", "", True),
        ("target: {tag: [a]}", "target: {tag: [b]}", True),
        ("target: {country: [DE, FR]}", "target: {country: [FR]}", True),
        ("target: {country: [DE]}", "target: {country: [FR]}", False),
        ("target: {country: [DE]}", "exclude: {country: [DE]}", False),
        ("paused: true", "", False),
        ("target: {placement: [top]}", "exclude: {placement: [bottom]}", True),
        ("target: {language: [en]}", "target: {language: [en-GB]}", True),
        ("target: {country: [DE, FR]}", "exclude: {country: [DE]}", True),
        ("exclude: {country: [DE]}", "target: {country: [DE]}", False),
        ("target: {language: [en-US]}", "target: {language: [en-GB]}", False),
        ("target: {language: [en]}", "exclude: {language: [en]}", False),
        ("target: {language: [en-GB]}", "exclude: {language: [en]}", False),
        ("target: {language: [en]}", "exclude: {language: [en-GB]}", True),
        (
            "target: {language: [en]}\nexclude: {language: [en-GB]}",
            "target: {language: [en-GB]}",
            False,
        ),
        ("target: {tag: [a]}", "exclude: {tag: [a]}", False),
        ("target: {tag: [a, b]}", "exclude: {tag: [a]}", True),
        ("target: {tag: [a]}", "target: {tag: [b]}\nexclude: {tag: [a]}", False),
        ("target: {section: [a, b]}", "target: {section: [b, c]}\nexclude: {section: [a]}", True),
        ("exclude: {section: [b, c]}", "target: {section: [b]}", False),
        ("target: {path: [/world/*]}", "exclude: {path: [/w*]}", False),
        ("target: {path: [/world/*]}", "exclude: {path: [/world/a*]}", True),
        ("target: {path: ['/*/live']}", "target: {path: ['/*/photos']}", False),
        ("exclude: {path: [/w*]}", "exclude: {path: [/s*]}", True),
        ("exclude: {platform: [ios, unknown]}", "target: {platform: [ios]}", False),
        ("exclude: {platform: [ios, desktop]}", "exclude: {platform: [android]}", False),
        ("target: {platform: [ios, android, desktop]}", "target: {platform: [unknown]}", True),
        ("target: {platform: [ios, android]}", "target: {platform: [unknown]}", False),
        ("target: {source: [facebook]}", "target: {shared: ['no']}", False),
        ("target: {source: [facebook]}", "target: {shared: ['yes']}", True),
        ("target: {source: [direct]}", "exclude: {shared: ['no']}", False),
        ("target: {shared: ['yes']}", "exclude: {source: [direct]}", True),
        ("target: {shared: ['yes']}", "exclude: {shared: ['yes']}", False),
        ("target: {path: [/world/*]}", "target: {path: ['/*/live', '/x']}", True),
        ("target: {path: [/world/*]}", "target: {path: [/sport/*, /world]}", False),
        ("target: {path: [/world/a]}", "target: {path: ['/world/*']}", True),
        ("target: {hour: [1]}", "target: {hour: [2]}", False),
        ("target: {hour: [1]}", "exclude: {hour: [1]}", False),
        ("target: {hour: [1]}", "", True),
        ("target: {hour: [1]}", "target: {hour: [2]}\ntimezone: Europe/Berlin", True),
        ("target: {hour: [1]}", "target: {hour: [3]}\ntimezone: Europe/Berlin", True),
        ("target: {hour: [1]}", "target: {hour: [1, 4]}\ntimezone: Europe/Berlin", False),
        ("target: {hour: [23]}", "exclude: {hour: [0, 1]}\ntimezone: Europe/Berlin", False),
        ("target: {weekday: [monday]}", "target: {weekday: [sunday]}", False),
        ("target: {weekday: [monday]}", "target: {weekday: [sunday]}\ntimezone: Asia/Tokyo", False),
        ("target: {weekday: [sunday]}", "target: {weekday: [monday]}\ntimezone: Asia/Tokyo", True),
    ],
)
def test_exclusive_campaigns_may_not_meet(
    written: Written, first: str, second: str, clash: bool
) -> None:
    written.campaign("c", f"exclusive: true\n{first}")
    written.campaign("d", f"exclusive: true\n{second}")
    names = [(name, field) for name, _, field, _ in written.found()]
    assert names == ([("c.yaml", "exclusive")] if clash else [])


@pytest.mark.parametrize(
    ("flights", "tier", "clash"),
    [
        ("{start: 2027-01-01T00:00:00Z}", "standard", False),
        ("{start: 2026-12-31T23:00:00Z}", "standard", True),
        ("{start: 2026-12-31T23:00:00Z}", "house", False),
    ],
)
def test_exclusives_meet_only_at_one_time_in_one_tier(
    written: Written, flights: str, tier: str, clash: bool
) -> None:
    ends = "{start: 2026-12-01T00:00Z, end: 2027-01-01T00:00Z}"
    written.campaign("c", "exclusive: true", flights=ends)
    written.campaign("d", "exclusive: true", flights=flights, tier=tier)
    messages = [message for *_, message in written.found()]
    assert ["overlaps the exclusive campaign `d`" in message for message in messages] == (
        [True] if clash else []
    )
    assert not clash or "d.yaml:1" in messages[0]


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("{start: 2026-01-01T00:00Z, end: 2026-03-01T00:00Z}", "{start: 2026-02-01T00:00Z}", False),
        ("{start: 2026-01-01T00:00Z, end: 2026-11-25T00:00Z}", "{start: 2026-02-01T00:00Z}", False),
        ("{start: 2026-01-01T00:00Z, end: 2026-11-25T01:00Z}", "{start: 2026-02-01T00:00Z}", True),
        # Written in different zones they seem to overlap, or not to.
        (
            "{start: 2026-12-01T00:00+02:00, end: 2026-12-01T12:00+02:00}",
            "{start: 2026-12-01T10:00-05:00, end: 2026-12-01T20:00-05:00}",
            False,
        ),
        (
            "{start: 2026-12-01T10:00+09:00, end: 2026-12-01T12:00+09:00}",
            "{start: 2026-11-30T20:00-05:00, end: 2026-11-30T22:00-05:00}",
            True,
        ),
    ],
)
def test_flights_meet_in_hours_that_are_still_to_come(
    written: Written, first: str, second: str, clash: bool
) -> None:
    written.campaign("c", "exclusive: true", flights=first)
    written.campaign("d", "exclusive: true", flights=second)
    errors = [problem.field for problem in written.problems() if not problem.warning]
    assert errors == (["exclusive"] if clash else [])


@pytest.mark.parametrize(
    ("hour", "flights", "clash"),
    [
        (2, "{start: 2026-12-01T00:00Z, end: 2027-03-01T00:00Z}", True),
        (3, "{start: 2026-12-01T00:00Z, end: 2027-03-01T00:00Z}", False),
        (3, "{start: 2026-12-01T00:00Z, end: 2027-04-01T00:00Z}", True),
        (2, "{start: 2026-12-01T02:00Z, end: 2026-12-02T01:00Z}", False),
    ],
)
def test_hours_of_two_zones_are_compared_while_both_run(
    written: Written, hour: int, flights: str, clash: bool
) -> None:
    # At 1:00 UTC it is two o'clock in Berlin in winter, and three in summer.
    berlin = f"target: {{hour: [{hour}, 12]}}\ntimezone: Europe/Berlin"
    written.campaign("c", "exclusive: true\ntarget: {hour: [1]}")
    written.campaign("d", f"exclusive: true\n{berlin}", flights=flights)
    names = [(name, field) for name, _, field, _ in written.found()]
    assert names == ([("c.yaml", "exclusive")] if clash else [])


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        (", arms: [a]", ", arms: [b]", False),
        (", arms: [a]", ", arms: [b, a]", True),
        (", arms: [a]", "", True),
        ("", "", True),
    ],
)
def test_in_different_arms_of_an_experiment_exclusives_never_meet(
    written: Written, first: str, second: str, clash: bool
) -> None:
    written.site("experiment: {arms: {a: 0.5, b: 0.5}}")
    written.campaign("c", "exclusive: true", creative=first)
    written.campaign("d", "exclusive: true", creative=second)
    names = [(name, field) for name, _, field, _ in written.found()]
    assert names == ([("c.yaml", "exclusive")] if clash else [])


@pytest.mark.parametrize(
    ("placements", "more", "clash"),
    [
        ("top: {code: 1}", "", True),
        ("top: {code: 1}", "target: {path: [/sport/*]}", False),
        ("side: {code: 3}", "", False),
    ],
)
def test_exclusives_meet_only_where_a_site_has_a_spot_for_both(
    written: Written, placements: str, more: str, clash: bool
) -> None:
    sites = written.directory / "sites"
    text = (sites / "example.yaml").read_text()
    other = text.replace("id: example", "id: other-one").replace("top: {code: 1}", placements)
    other = other.replace("news.example/*", "news.example/world/*")
    (sites / "other-one.yaml").write_text(other)
    written.campaign("c", f"exclusive: true\n{more}")
    written.campaign("d", "exclusive: true\ntarget: {site: [other-one]}")
    file = written.directory / "campaigns" / "d.yaml"
    file.write_text(file.read_text().replace("[top]", "[top, bottom]"))
    names = [(name, field) for name, _, field, _ in written.found()]
    assert names == ([("c.yaml", "exclusive")] if clash else [])


def test_all_that_an_exclusive_campaign_overlaps_is_named_at_once(written: Written) -> None:
    written.campaign("c", "exclusive: true\ntarget: {country: [DE, FR]}")
    written.campaign("d", "exclusive: true\ntarget: {country: [DE]}")
    written.campaign("e", "exclusive: true\ntarget: {country: [FR]}")
    ((name, _, field, words),) = written.found()
    assert (name, field) == ("c.yaml", "exclusive")
    assert "campaigns `d` (" in words
    assert ", `e` (" in words
