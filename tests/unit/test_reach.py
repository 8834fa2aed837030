"""A campaign has a spot to show in: a site with placement, arm and articles; a store to go to."""

from pathlib import Path

import pytest

from tests.serving import copied_config
from tests.written import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


@pytest.mark.parametrize(
    ("articles", "more", "field", "warning"),
    [
        ("/world/*", "target: {path: [/sport/*]}", "target.path", False),
        ("/world/*", "target: {path: [/sport/*, /wor*]}", "target.path[0]", True),
        ("/world/*", "target: {path: ['*']}", "target.path[0]", False),
        ("/world/*", "exclude: {path: [/w*]}", "exclude.path", False),
        ("/world/*", "exclude: {path: [/world/a*]}", "", False),
        ("/world/*", "target: {path: [/world/a*]}", "", False),
        ("/*.html", "target: {path: [/*/a.php]}", "target.path[0]", True),
        ("/story?id=*", "target: {path: [/story]}", "", False),
        ("/story?id=*", "target: {path: [/stor]}", "target.path", False),
        ("/story?id=*", "exclude: {path: [/story]}", "exclude.path", False),
    ],
)
def test_paths_are_held_against_the_articles_of_the_sites(
    written: Written, articles: str, more: str, field: str, *, warning: bool
) -> None:
    file = written.directory / "sites" / "example.yaml"
    file.write_text(file.read_text().replace("news.example/*", f"news.example{articles}"))
    written.campaign(more=more)
    if field:
        assert written.only(warning=warning)[0] == field
    else:
        assert written.problems() == []


def with_other_site(written: Written) -> Written:
    """Add a site `other` with a placement `side` and an arm `a`, and articles under /o/."""
    text = (written.directory / "sites" / "example.yaml").read_text()
    text = text.replace("id: example", "id: other-one").replace(
        "{top: {code: 1}", "{side: {code: 3}"
    )
    text = text.replace(
        'articles: ["https://news.example/*', 'articles: ["https://news.example/o/*'
    )
    (written.directory / "sites" / "other-one.yaml").write_text(
        f"{text}experiment: {{arms: {{a: 1}}}}\n"
    )
    return written


@pytest.mark.parametrize(
    ("more", "creative", "field"),
    [
        ("target: {site: [other-one]}", "", "target.site"),
        ("exclude: {site: [example]}", "", "exclude.site"),
        ("target: {placement: [top]}\nexclude: {site: [example]}", "", "target.placement"),
        ("", ", arms: [a]", "creatives"),
        ("target: {path: [/x]}", "", ""),
        ("target: {site: [example]}", "", ""),
    ],
)
def test_each_site_may_lack_something_else(
    written: Written, more: str, creative: str, field: str
) -> None:
    with_other_site(written).campaign(more=more, creative=creative)
    if not field:
        assert written.problems() == []
        return
    where, _, message = written.only()
    assert where == field
    assert "where no creative has both a placement and an arm" in message


def test_a_site_without_the_placement_lends_no_articles(written: Written) -> None:
    file = with_other_site(written).directory / "sites" / "example.yaml"
    file.write_text(file.read_text().replace("news.example/*", "news.example/e/*"))
    written.campaign(more="target: {path: [/o/*]}")
    field, _, message = written.only()
    assert field == "target.path"
    assert message.endswith("their paths are /e/*")


def test_a_creative_that_no_placement_is_left_for_is_a_warning(written: Written) -> None:
    written.campaign(more="target: {placement: [top]}")
    file = written.directory / "campaigns" / "c.yaml"
    file.write_text(file.read_text() + "  - {id: c-2, headline: H, placements: [bottom]}\n")
    field, line, message = written.only(warning=True)
    assert (field, line) == ("creatives[1].placements", 8)
    assert "leave none of these placements" in message


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("target: {platform: [android]}", "target.platform"),
        ("exclude: {platform: [ios, desktop]}", "exclude.platform"),
        ("target: {platform: [android, desktop]}", ""),
        ("target: {platform: [android, ios]}", ""),
    ],
)
def test_telephones_without_a_store_are_a_warning(written: Written, more: str, field: str) -> None:
    file = written.directory / "apps" / "vital-signs.yaml"
    file.write_text("id: vital-signs\nname: V\nios: {id: 123456789}\n")
    written.campaign(more=more)
    if field:
        where, _, message = written.only(warning=True)
        assert where == field
        assert "the app `vital-signs` has no store for android" in message
    else:
        assert written.problems() == []
