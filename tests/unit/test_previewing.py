"""A preview link is printed only where its creative has a placement to be seen in."""

from pathlib import Path

import pytest

from service.adapters.key_file import create_key_file
from service.cli.previewing import run
from service.domain.ads import code_of
from service.domain.errors import BadInput
from service.domain.tokens import parse_token
from tests.serving import copied_config
from tests.written import Written

ARTICLES = '"https://side.example/*", "https://news.example/both/*"'


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    """Return the flags of a configuration whose creative `c-1` fits only site `other-one`."""
    written = Written(copied_config(tmp_path)).campaign(more="sites: [other-one]")
    file = written.directory / "campaigns" / "c.yaml"
    file.write_text(file.read_text().replace("[top]", "[side]"))
    example = (written.directory / "sites" / "example.yaml").read_text()
    other = example.replace("id: example", "id: other-one").replace("{top:", "{side:")
    other = other.replace('"https://news.example/*"', ARTICLES)
    (written.directory / "sites" / "other-one.yaml").write_text(other)
    create_key_file(tmp_path / "keys")
    return ["--config", str(written.directory), "--keys", str(tmp_path / "keys")]


@pytest.mark.parametrize("url", ["https://side.example/a", "https://news.example/both/a"])
def test_a_site_with_a_placement_for_the_creative_is_found(
    flags: list[str], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["c-1", url, *flags], {}) == 0
    assert capsys.readouterr().out.startswith(f"{url}?hb=preview.")


def test_a_creative_that_fits_nowhere_there_is_refused_by_what_fits(flags: list[str]) -> None:
    with pytest.raises(BadInput) as bad:
        run(["c-1", "https://news.example/a", *flags], {})
    assert bad.value.field == "creative"
    assert "fits side, and site example has top, bottom: give" in bad.value.message


def test_an_address_of_no_site_is_refused(flags: list[str]) -> None:
    with pytest.raises(BadInput, match="give an address"):
        run(["c-1", "https://elsewhere.example/a", *flags], {})


def test_of_sites_with_the_address_one_of_the_campaigns_own_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = Written(copied_config(tmp_path)).campaign(more="sites: [twin]")
    example = (written.directory / "sites" / "example.yaml").read_text()
    (written.directory / "sites" / "twin.yaml").write_text(
        example.replace("id: example", "id: twin")
    )
    create_key_file(tmp_path / "keys")
    flags = ["--config", str(written.directory), "--keys", str(tmp_path / "keys")]
    assert run(["c-1", "https://news.example/a", *flags], {}) == 0
    token = parse_token(capsys.readouterr().out.strip().partition("hb=preview.")[2]).token
    assert token.site == code_of("twin")
