"""Languages that there are not are named, in campaigns and sites; all others are taken."""

from pathlib import Path

import pytest

from tests.serving import copied_config
from tests.written import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(copied_config(tmp_path))


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("qq", "there is no language 'qq': write a code of ISO 639 like en"),
        ("xx-DE", "there is no language 'xx'"),
        ("xyz", "there is no language 'xyz'"),
        ("jp", "did you mean ja?"),
        ("CZ", "did you mean cs?"),
        ("eng", "write en: pages use the two-letter code"),
        ("ger-AT", "write de-AT: pages use"),
        ("mol", "write ro: pages use"),
        ("en-UK", "'UK' is no region of ISO 3166 like GB (the United Kingdom is GB)"),
        ("en-zx", "'zx' is no region of ISO 3166 like GB"),
        ("en-Abcd-GB", "'Abcd' is no script of ISO 15924 like Latn"),
        ("en-GB-oxford", "'oxford' is no part of a language tag in the registry of BCP 47"),
        ("en-GB-Latn", "'en-GB-Latn' is no tag of BCP 47: language, script, region"),
    ],
)
def test_unknown_languages_are_named(written: Written, tag: str, words: str) -> None:
    for side in ("target", "exclude"):
        more = f"{side}: {{language: [fr, {tag}]}}"
        ((file, line, field, message),) = written.campaign(more=more).found()
        assert (file, line, field) == ("c.yaml", 5, f"{side}.language[1]")
        assert words in message


def test_a_site_speaks_a_language_that_there_is(written: Written) -> None:
    file = written.directory / "sites" / "example.yaml"
    file.write_text(file.read_text().replace("language: en", "language: qq"))
    ((name, line, field, message),) = written.found()
    assert (name, line, field) == ("example.yaml", 6, "language")
    assert "there is no language 'qq'" in message


def test_all_that_pages_may_write_is_taken(written: Written) -> None:
    # Two letters, withdrawn ones, three where there are no two, scripts, regions and numbers.
    two, three = "de, nb, sh, iw", "haw, ckb, qaa, hbs, cmn"
    parts = "zh-yue, zh-Hant-TW, sr-Latn-RS, sq-XK, es-419, sl-rozaj-biske, en-GB"
    tags = f"{two}, {three}, {parts}"
    made = written.campaign(more=f"target: {{language: [{tags}]}}").loaded()
    assert made.campaigns["c"].target["language"] == set(tags.lower().split(", "))
