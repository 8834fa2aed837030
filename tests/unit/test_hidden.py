"""A campaign that another leaves no place for is a warning, where that is certain."""

from pathlib import Path

import pytest

from tests.serving import copied_config
from tests.unit.test_reach import with_other_site
from tests.written import Written

DECEMBER = "{start: 2026-12-01T00:00Z, end: 2027-01-01T00:00Z}"
GOAL = "goal: {impressions: 9}"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


def hidden(written: Written) -> set[str]:
    """Return the files of campaigns that are warned of as hidden; nothing else may be wrong."""
    problems = written.problems()
    assert all(one.warning for one in problems), problems
    found = [one for one in problems if "is never its turn" in one.message]
    assert all(one.field == "tier" for one in found)
    return {Path(one.file).name for one in found}


def test_who_hides_a_campaign_is_named(written: Written) -> None:
    written.campaign("above", tier="sponsorship").campaign("c")
    field, line, message = written.only(warning=True)
    assert (field, line) == ("tier", 3)
    assert message.startswith("is never its turn: `above` (")
    assert "above.yaml:1) may always show in all its places, to all its readers; give" in message


@pytest.mark.parametrize(
    ("above", "below", "hides"),
    [
        ("", "", True),
        ("", "paused: true", False),
        ("paused: true", "", False),
        ("cap: {max: 1, hours: 1}", "", False),
        ("", "cap: {max: 1, hours: 1}", True),
        ("competes: [drinks]", "", False),
        ("", "competes: [drinks]", True),
        ("sites: [example]", "", True),
        ("target: {country: [DE]}", "", False),
        ("", "target: {country: [DE]}", True),
        ("target: {country: [DE, FR]}", "target: {country: [DE]}", True),
        ("target: {country: [DE]}", "target: {country: [DE, FR]}", False),
        ("target: {country: [DE]}", "target: {country: [DE, FR]}\nexclude: {country: [FR]}", True),
        ("exclude: {country: [DE]}", "", False),
        ("exclude: {country: [DE]}", "exclude: {country: [FR, DE]}", True),
        ("exclude: {country: [DE]}", "target: {country: [FR]}", True),
        ("exclude: {country: [DE]}", "target: {country: [FR, DE]}", False),
        ("target: {country: [DE], tag: [a]}", "target: {country: [DE]}", False),
        ("target: {country: [DE], tag: [a]}", "target: {country: [DE], tag: [a]}", True),
        ("target: {language: [en]}", "target: {language: [en-GB]}", True),
        ("target: {language: [en-GB]}", "target: {language: [en]}", False),
        ("exclude: {language: [en-GB]}", "target: {language: [en]}", False),
        ("exclude: {language: [fr]}", "target: {language: [en]}", False),
        ("target: {tag: [a, b]}", "target: {tag: [a]}", True),
        ("exclude: {tag: [a]}", "target: {tag: [b]}", False),
        ("exclude: {tag: [a]}", "target: {tag: [b]}\nexclude: {tag: [a]}", True),
        ("target: {path: [/a/*]}", "target: {path: [/a/*]}", True),
        ("target: {path: [/a/*]}", "target: {path: [/a/*, /b]}", False),
        ("target: {path: [/a/*]}", "target: {path: [/b/*]}", False),
        ("target: {platform: [ios]}", "target: {platform: [ios]}", True),
        ("target: {platform: [ios]}", "target: {platform: [ios, unknown]}", False),
        ("exclude: {platform: [ios]}", "target: {platform: [android]}", True),
        ("exclude: {platform: [ios]}", "target: {platform: [unknown]}", False),
        ("exclude: {platform: [unknown]}", "target: {platform: [ios, android, desktop]}", False),
        ("exclude: {platform: [unknown]}", "target: {platform: [ios, android]}", True),
        ("target: {source: [facebook]}", "target: {source: [facebook]}", True),
        ("target: {source: [direct]}", "target: {shared: ['no']}", False),
        ("target: {hour: [9, 10]}", "target: {hour: [9]}", True),
        ("target: {hour: [9]}", "target: {hour: [9]}\ntimezone: Europe/Paris", False),
        ("target: {hour: [9]}", "", False),
        ("timezone: Europe/Paris", "target: {hour: [9]}", True),
        ("target: {placement: [top]}", "target: {site: [example]}", True),
    ],
)
def test_who_takes_all_readers_of_another_hides_it(
    written: Written, above: str, below: str, *, hides: bool
) -> None:
    written.campaign("above", above, tier="sponsorship").campaign("c", below)
    assert hidden(written) == ({"c.yaml"} if hides else set())


@pytest.mark.parametrize(
    ("above", "below", "hides"),
    [
        (DECEMBER, DECEMBER, True),
        (DECEMBER, "{start: 2026-12-01T00:00Z}", False),
        (DECEMBER, "{start: 2026-11-30T23:00Z, end: 2026-12-02T00:00Z}", False),
        ("{start: 2026-01-01T00:00Z}", DECEMBER, True),
        (f"{{start: 2026-01-01T00:00Z, {GOAL}, end: 2027-02-01T00:00Z}}", DECEMBER, False),
        (DECEMBER, f"{{start: 2026-12-03T00:00Z, {GOAL}, end: 2026-12-04T00:00Z}}", True),
        # What follows at once is one; what is past does not count.
        (
            "{start: 2026-12-09T00:00Z, end: 2027-01-01T00:00Z}, "
            "{start: 2026-12-01T00:00Z, end: 2026-12-09T00:00Z}",
            DECEMBER,
            True,
        ),
        (
            "{start: 2026-12-01T00:00Z, end: 2026-12-09T00:00Z}, "
            f"{{start: 2026-12-09T00:00Z, {GOAL}, end: 2027-01-01T00:00Z}}",
            DECEMBER,
            False,
        ),
        (
            "{start: 2026-12-01T00:00Z, end: 2026-12-09T00:00Z}",
            "{start: 2026-12-01T00:00Z, end: 2026-12-02T00:00Z}, "
            "{start: 2026-12-10T00:00Z, end: 2026-12-11T00:00Z}",
            False,
        ),
        ("{start: 2026-11-25T00:00Z}", "{start: 2026-01-01T00:00Z}", True),
        ("{start: 2026-11-25T01:00Z}", "{start: 2026-01-01T00:00Z}", False),
    ],
)
def test_who_runs_all_the_time_of_another_hides_it(
    written: Written, above: str, below: str, *, hides: bool
) -> None:
    written.campaign("above", tier="sponsorship", flights=above).campaign("c", flights=below)
    assert hidden(written) == ({"c.yaml"} if hides else set())


def test_several_hide_one_by_turns(written: Written) -> None:
    first = "{start: 2026-12-01T00:00Z, end: 2026-12-02T00:00Z}"
    second = "{start: 2026-12-05T00:00Z, end: 2026-12-06T00:00Z}"
    written.campaign("a", tier="sponsorship", flights=first)
    written.campaign("b", tier="standard", flights=second)
    written.campaign("c", tier="house", flights=f"{first}, {second}")
    message = written.only(warning=True)[2]
    assert message.index("`a` (") < message.index("`b` (")


@pytest.mark.parametrize(
    ("above", "below", "hides"),
    [
        ("standard", "standard", False),
        ("standard", "house", True),
        ("house", "standard", False),
        ("sponsorship", "house", True),
    ],
)
def test_only_a_better_tier_hides(written: Written, above: str, below: str, *, hides: bool) -> None:
    written.campaign("above", tier=above).campaign("c", tier=below)
    assert ("c.yaml" in hidden(written)) is hides


def test_an_exclusive_campaign_hides_its_own_tier(written: Written) -> None:
    written.campaign("above", "exclusive: true").campaign("c")
    assert hidden(written) == {"c.yaml"}


@pytest.mark.parametrize(
    ("places", "repeat", "hides"),
    [
        ("[top]", "allow", False),
        ("[top, bottom]", "allow", True),
        ("[top, bottom]", "same", True),
        ("[top, bottom]", "never", False),  # what is at the top is not at the bottom as well
    ],
)
def test_all_places_must_be_taken(
    written: Written, places: str, repeat: str, *, hides: bool
) -> None:
    written.site(f"repeat: {repeat}")
    written.campaign("above", tier="sponsorship").campaign("c")
    for name, listed in (("above", places), ("c", "[top, bottom]")):
        file = written.directory / "campaigns" / f"{name}.yaml"
        file.write_text(file.read_text().replace("[top]", listed))
    assert ("c.yaml" in hidden(written)) is hides


@pytest.mark.parametrize(
    ("above", "below", "hides"),
    [
        ("", ", arms: [a]", True),
        (", arms: [a]", "", False),
        (", arms: [a]", ", arms: [a]", True),
        (", arms: [a]", ", arms: [a, b]", False),
    ],
)
def test_all_arms_must_be_taken(written: Written, above: str, below: str, *, hides: bool) -> None:
    written.site("experiment: {arms: {a: 0.5, b: 0.5}}")
    written.campaign("above", tier="sponsorship", creative=above).campaign("c", creative=below)
    assert hidden(written) == ({"c.yaml"} if hides else set())


@pytest.mark.parametrize(
    ("above", "below", "hides"),
    [
        ("sites: [example]", "sites: [example]", True),
        ("sites: [example, other-one]", "sites: [example]", True),
        ("sites: [example]", "", False),
        ("", "sites: [example]", True),
        ("target: {site: [example]}", "sites: [example]", True),
    ],
)
def test_all_sites_must_be_taken(written: Written, above: str, below: str, *, hides: bool) -> None:
    written.campaign("above", above, tier="sponsorship").campaign("c", below)
    for file in (with_other_site(written).directory / "campaigns").glob("[ac]*.yaml"):
        file.write_text(file.read_text().replace("[top]", "[bottom]"))
    assert hidden(written) == ({"c.yaml"} if hides else set())


def test_however_many_hold_back_who_never_does_hides_the_others(written: Written) -> None:
    written.campaign("above", tier="sponsorship").campaign("c")
    paced = f"{{start: 2026-12-01T00:00Z, end: 2027-01-01T00:00Z, {GOAL}}}"
    for number in range(20):
        written.campaign(f"paced-{number}", tier="sponsorship", flights=paced)
    assert hidden(written) == {"c.yaml"}


@pytest.mark.parametrize("wrong", ["repeat: often", "experiment: {holdout: 2}", "x: 1"])
def test_nobody_is_hidden_where_a_site_cannot_be_told(written: Written, wrong: str) -> None:
    written.campaign("above", tier="sponsorship").campaign("c")
    assert hidden(written) == {"c.yaml"}
    written.site(wrong)
    assert "c.yaml" not in {name for name, *_ in written.found()}


def test_a_campaign_of_a_site_that_there_is_not_has_that_fault_alone(written: Written) -> None:
    written.campaign("above", tier="sponsorship").campaign("c", "sites: [example, exmple]")
    assert written.only()[0] == "sites[1]"
