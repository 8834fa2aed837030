"""The catalogue from files: the shipped example, a directory of faults, and what is only unwise."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.adapters.catalog import load_catalog
from service.domain.ads import Flight, Goal, Tier
from service.domain.articles import ArticlePattern, canonical_article
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem
from service.domain.sharing import share_link
from service.domain.sites import Labels

ROOT = Path(__file__).parents[2]
BAD = Path(__file__).parent / "bad_config"
NOW = datetime(2026, 11, 25, tzinfo=UTC)
_MARK = re.compile(r"#! (?P<field>\S+) \| (?P<words>.*?)(?=  #!|$)")

Edit = Callable[[str, str, str], Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """Return a function that copies the example with one text of one file replaced."""

    def copy(file: str, old: str, new: str) -> Path:
        directory = tmp_path / "config"
        shutil.copytree(ROOT / "config", directory, dirs_exist_ok=True)
        text = (directory / file).read_text()
        assert old in text
        (directory / file).write_text(text.replace(old, new))
        return directory

    return copy


def faults_of(directory: Path) -> tuple[Problem, ...]:
    """Return the problems of a directory that must not load."""
    with pytest.raises(BadConfiguration) as caught:
        load_catalog(directory, now=NOW)
    return caught.value.problems


def loaded(directory: Path) -> Catalog:
    """Return the catalogue of a directory without warnings."""
    catalog, warnings = load_catalog(directory, now=NOW)
    assert warnings == ()
    return catalog


def test_the_shipped_example_loads_without_a_warning() -> None:
    catalog = loaded(ROOT / "config")
    site, campaign = catalog.sites["example"], catalog.campaigns["vital-signs"]
    assert site.articles == (ArticlePattern("https", "news.example", False, "/*"),)
    assert [(place.id, place.code) for place in site.placements] == [("top", 1), ("bottom", 2)]
    assert site.share == ("facebook", "twitter", "reddit", "linkedin")
    assert site.labels == Labels()
    assert campaign.tier is Tier.HOUSE
    assert campaign.target == {"platform": frozenset({"ios", "android", "desktop"})}
    assert campaign.flights == (Flight(int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) // 3600),)
    assert campaign.creatives[0].headline == "Download Vital Signs App (VS App)"
    ios, android = catalog.apps["vital-signs"].ios, catalog.apps["vital-signs"].android
    assert (ios and ios.provider, android and android.package) == ("987654", "example.vitalsigns")


def test_every_shipped_network_makes_a_link_encoded_once() -> None:
    networks = loaded(ROOT / "config").networks.values()
    address = canonical_article("https://news.example/a?b=1&c=é").url
    links = [share_link(network, address, "A & B") for network in networks if network.url]
    assert len(links) == len(networks) - 2
    for link in links:
        assert "https%3A%2F%2Fnews.example%2Fa%3Fb%3D1%26c%3D%25C3%25A9" in link
        assert not re.search(r"[{}+ ]", link)


def test_all_faults_of_all_files_are_told_at_once_at_their_lines() -> None:
    expected = {
        (str(file), line, mark["field"], mark["words"])
        for file in BAD.rglob("*.yaml")
        for line, text in enumerate(file.read_text().splitlines(), 1)
        for mark in _MARK.finditer(text)
    }
    problems = {(found.file, found.line, found.field): found for found in faults_of(BAD)}
    assert len(expected) >= 50
    assert set(problems) == {(file, line, field) for file, line, field, _ in expected}
    for file, line, field, words in expected:
        assert words in problems[file, line, field].message


def test_problems_name_files_as_the_user_typed_the_directory(
    edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = edit("sites/example.yaml", "language: en", "language: 12")
    monkeypatch.chdir(directory.parent)
    (problem,) = faults_of(Path("config"))
    assert str(problem) == (
        'config/sites/example.yaml:6: error: language: write text; put the number in quotes: "12"'
    )


def test_a_missing_directory_and_an_empty_one_say_what_to_create(tmp_path: Path) -> None:
    (missing,) = faults_of(tmp_path / "absent")
    assert "--config" in missing.message
    assert {problem.field for problem in faults_of(tmp_path)} == {"file", "sites"}


def test_the_version_changes_with_any_byte_and_only_then(edit: Edit) -> None:
    directory = edit("sites/example.yaml", "language: en", "language: fr")
    first = loaded(directory).version
    assert first == loaded(directory).version
    assert first != loaded(ROOT / "config").version
    comment = edit("apps/vital-signs.yaml", "name:", "# a note\nname:")
    assert loaded(comment).version != loaded(ROOT / "config").version


def test_browser_networks_get_codes_of_their_own_when_absent(edit: Edit) -> None:
    both = "  copy: {code: 14, name: Copy link}\n  native: {code: 15, name: Device}\n"
    networks = loaded(edit("networks.yaml", both, "")).networks
    assert (networks["copy"].code, networks["native"].code) == (14, 15)
    other = '  mine: {code: 15, name: M, url: "https://m.example/{url}", checked: 2026-11-24}\n'
    networks = loaded(edit("networks.yaml", both, other)).networks
    assert (networks["native"].code, networks["copy"].code) == (14, 13)
    assert networks["copy"].url is None


def test_browser_networks_need_two_free_codes(edit: Edit) -> None:
    entry = '  n{0}: {{code: {0}, name: N, url: "https://n.example/{{url}}", checked: 2026-11-24}}'
    text = "networks:\n" + "\n".join(entry.format(code) for code in range(1, 15))
    directory = edit("sites/example.yaml", "share: [facebook, twitter, reddit, linkedin]", "")
    (directory / "networks.yaml").write_text(text)
    (problem,) = faults_of(directory)
    assert (problem.field, problem.line) == ("networks", 1)
    assert "copy and native" in problem.message


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("copy: {code: 14, name: C, url: 'https://c.example/{url}'}", "copy.url", "remove it"),
        ("mine: {code: 12, name: M, checked: 2026-11-24}", "mine.url", "is required"),
        ("mine: {code: 12, name: M, url: 'https://m.example/{url}'}", "mine.checked", "required"),
        (
            "mine: {code: 12, name: M, url: 'https://m.example/{url}', checked: 2026-11-27}",
            "mine.checked",
            "in the future",
        ),
        (
            "mine: {code: 1, name: M, url: 'https://m.example/{url}', checked: 2026-11-24}",
            "mine.code",
            "the code of `facebook`",
        ),
    ],
)
def test_networks_are_whole(edit: Edit, line: str, field: str, words: str) -> None:
    directory = edit("networks.yaml", "  copy: {code: 14, name: Copy link}", f"  {line}")
    (problem,) = faults_of(directory)
    assert problem.field == f"networks.{field}"
    assert words in problem.message


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (
            "networks.yaml",
            "checked: 2026-11-24}\n  tw",
            "checked: 2025-11-24}\n  tw",
            "over a year",
        ),
        (
            "sites/example.yaml",
            '["https://news.example"]',
            "[http://news.example]",
            "not encrypted",
        ),
        (
            "campaigns/vital-signs.yaml",
            "00:00:00Z}",
            "00:00:00Z, goal: {clicks: 9, per_day: 3}}",
            "has no end to be paced to",
        ),
        ("campaigns/vital-signs.yaml", "00:00:00Z}", "00:00:00Z, end: 2026-02-01T00:00Z}", "past"),
        ("campaigns/vital-signs.yaml", "id: vital-signs", "id: vital", "named vital.yaml"),
    ],
)
def test_the_unwise_is_warned_of_and_loads(
    edit: Edit, file: str, old: str, new: str, words: str
) -> None:
    directory = edit(file, old, new)
    _, warnings = load_catalog(directory, now=NOW)
    assert [words in warning.message and warning.warning for warning in warnings] == [True]
    wrong_line = (directory / file).read_text().splitlines()[warnings[0].line - 1]
    assert new.splitlines()[0] in wrong_line


def test_goals_are_carried(edit: Edit) -> None:
    goal = "00:00:00Z, end: 2027-01-01T00:00Z, goal: {clicks: 9, per_day: 3}}"
    directory = edit("campaigns/vital-signs.yaml", "00:00:00Z}", goal)
    catalog, _ = load_catalog(directory, now=NOW)
    assert catalog.campaigns["vital-signs"].flights[0].goal == Goal(None, 9, 3)


def test_local_origins_may_be_plain_http(edit: Edit) -> None:
    origins = '["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"]'
    assert len(loaded(edit("sites/example.yaml", '["https://news.example"]', origins)).sites) == 1


def test_subdomains_and_labels(edit: Edit) -> None:
    file = "sites/example.yaml"
    directory = edit(file, "language: en", "language: de")
    text = (directory / file).read_text()
    text = text.replace("https://news.example/*", "https://*.news.example/world/*?id=*")
    labels = 'labels: {advertisement: Anzeige, share: "Auf {network}"}\n'
    (directory / file).write_text(text + labels)
    found = loaded(directory).sites["example"]
    assert found.allows("https://de.news.example/world/summit?id=1")
    assert not found.allows("https://news.example/world/summit?id=1")
    assert found.labels == Labels("Anzeige", "Auf {network}")


def test_several_campaigns_may_share_a_file(edit: Edit) -> None:
    directory = edit("campaigns/vital-signs.yaml", "cap: null", "cap: null")
    file = directory / "campaigns" / "vital-signs.yaml"
    first = file.read_text()
    second = first.replace("id: vital-signs", "id: second").replace("vs-text", "vs-2")
    file.write_text(f"{first}---\n{second}")
    assert set(loaded(directory).campaigns) == {"vital-signs", "second"}
    file.write_text(f"{first}---\n{first}")
    problems = faults_of(directory)
    assert [problem.field for problem in problems] == ["id", "creatives[0].id"]
    assert problems[0].line == first.count("\n") + 3
    assert f"{file}:2" in problems[0].message


def test_codes_that_collide_are_refused(edit: Edit) -> None:
    # Found by search: the first 4 bytes of these ids' BLAKE2b are the same.
    first, second = "ad-1286", "ad-29029"
    directory = edit("campaigns/vital-signs.yaml", "vs-text", first)
    file = directory / "campaigns" / "vital-signs.yaml"
    again = file.read_text().replace(first, second).replace("id: vital-signs", "id: another")
    (directory / "campaigns" / "another.yaml").write_text(again)
    (problem,) = faults_of(directory)
    assert problem.field == "creatives[0].id"
    assert "by chance" in problem.message


def test_a_broken_site_is_not_reported_again_by_its_campaigns(edit: Edit) -> None:
    directory = edit("sites/example.yaml", "placements: {top", "placements: [top")
    problems = faults_of(directory)
    assert [(problem.file, problem.field) for problem in problems] == [
        (str(directory / "sites" / "example.yaml"), "file")
    ]
