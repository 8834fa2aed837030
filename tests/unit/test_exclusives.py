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
        ("target: {language: [en]}", "exclude: {language: [en]}", True),
        ("target: {path: [/world/*]}", "target: {path: ['/*/live', '/x']}", True),
        ("target: {path: [/world/*]}", "target: {path: [/sport/*, /world]}", False),
        ("target: {path: [/world/a]}", "target: {path: ['/world/*']}", True),
        ("target: {hour: [1]}", "target: {hour: [2]}", False),
        ("target: {hour: [1]}", "target: {hour: [2]}\ntimezone: Europe/Berlin", True),
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


def test_all_that_an_exclusive_campaign_overlaps_is_named_at_once(written: Written) -> None:
    written.campaign("c", "exclusive: true\ntarget: {country: [DE, FR]}")
    written.campaign("d", "exclusive: true\ntarget: {country: [DE]}")
    written.campaign("e", "exclusive: true\ntarget: {country: [FR]}")
    ((name, _, field, words),) = written.found()
    assert (name, field) == ("c.yaml", "exclusive")
    assert "campaigns `d` (" in words
    assert ", `e` (" in words
