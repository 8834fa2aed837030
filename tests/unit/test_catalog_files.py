"""Files as people and editors leave them: encodings, sizes, pipes, stray names, permissions."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from service.adapters.catalog import CatalogFiles, load_catalog
from service.adapters.catalog_entries import Understood, understood
from service.adapters.catalog_files import FILE_BYTES_MAX, Source, read_sources
from service.adapters.catalog_looks import Stamp, stamp
from service.adapters.catalog_schema import json_schemas
from service.domain.errors import BadConfiguration, Problem

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a private copy of the shipped example."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


def problems_of(directory: Path) -> tuple[Problem, ...]:
    """Return warnings or errors, whichever the directory gives."""
    try:
        return load_catalog(directory, now=NOW)[1]
    except BadConfiguration as bad:
        return bad.problems


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "is empty"),
        (b"# only a comment\n", 1, "is empty"),
        (b"- a list\n", 1, "describe one site"),
        (b"{}\n", 1, "describe one site"),
        (b"# nothing\n---\n", 2, "describe one site"),
        (b"id: a\nname: caf\xe9\n", 2, "is not UTF-8 (byte 0xe9)"),
        ("id: a\n".encode("utf-16"), 1, "is UTF-16"),
        (b"id: a\nname: a\x00b\n", 2, "U+0000"),
        ("id: a\n\nname: a\u2028b\n".encode(), 3, "U+2028"),
        (b"#" * (FILE_BYTES_MAX + 1), 1, "is larger than 1 MiB"),
    ],
)
def test_files_that_cannot_be_read_say_why(
    config: Path, content: bytes, line: int, words: str
) -> None:
    file = config / "sites" / "second.yaml"
    file.write_bytes(content)
    (problem,) = problems_of(config)
    assert (problem.file, problem.line, problem.warning) == (str(file), line, False)
    assert words in problem.message


def test_a_byte_order_mark_and_carriage_returns_are_no_fault(config: Path) -> None:
    file = config / "sites" / "example.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert problems_of(config) == ()


def test_an_unreadable_file_does_not_make_its_references_wrong(config: Path) -> None:
    (config / "apps" / "vital-signs.yaml").write_bytes(b"\xff\xff\xff")
    assert [problem.file for problem in problems_of(config)] == [
        str(config / "apps" / "vital-signs.yaml")
    ]


def test_pipes_and_folders_are_refused_without_waiting(config: Path) -> None:
    os.mkfifo(config / "sites" / "pipe.yaml")
    (config / "sites" / "folder.yaml").mkdir()
    (config / "sites" / "gone.yaml").symlink_to("nowhere.yaml")
    assert [Path(problem.file).name for problem in problems_of(config)] == [
        "folder.yaml",
        "gone.yaml",
        "pipe.yaml",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_named(config: Path) -> None:
    (config / "networks.yaml").chmod(0)
    problems = problems_of(config)
    assert "permissions" in problems[0].message


def refused(monkeypatch: pytest.MonkeyPatch, name: str, *, after: int = 0) -> None:
    """Let a directory of this name be listed only so far: the rest fails as of a broken disk."""
    scandir = os.scandir

    @contextmanager
    def listed(path: Path) -> Iterator[Iterator["os.DirEntry[str]"]]:
        with scandir(path) as entries:
            yield failing(entries) if Path(path).name == name else entries

    def failing(entries: Iterator["os.DirEntry[str]"]) -> Iterator["os.DirEntry[str]"]:
        yield from islice(entries, after)
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", listed)


@pytest.mark.parametrize("folder", ["sites", "apps", "campaigns"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_directory_that_cannot_be_listed_is_named_and_nothing_else(
    config: Path, monkeypatch: pytest.MonkeyPatch, folder: str, after: int
) -> None:
    shutil.copy(config / folder / next(os.walk(config / folder))[2][0], config / folder / "~")
    refused(monkeypatch, folder, after=after)
    (problem,) = problems_of(config)
    assert (problem.file, problem.field, problem.warning) == (str(config / folder), "file", False)
    assert "cannot be read (Permission denied): mend its permissions" in problem.message


@pytest.mark.parametrize("after", range(4))
def test_a_configuration_that_is_listed_in_part_is_none(
    config: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    refused(monkeypatch, "config", after=after)
    (problem,) = problems_of(config)
    assert (problem.file, problem.field) == (str(config), "config")


@pytest.mark.parametrize("folder", ["sites", "apps", "campaigns"])
def test_what_is_no_directory_is_named(config: Path, folder: str) -> None:
    shutil.rmtree(config / folder)
    (config / folder).symlink_to("nowhere")
    (problem,) = problems_of(config)
    assert (problem.file, problem.warning) == (str(config / folder), False)
    assert "No such file or directory" in problem.message
    (config / folder).unlink()
    (config / folder).write_text("")
    assert "Not a directory" in problems_of(config)[0].message


def test_campaigns_that_there_are_not_are_none(config: Path) -> None:
    shutil.rmtree(config / "campaigns")
    assert load_catalog(config, now=NOW)[0].campaigns == {}


@pytest.mark.parametrize("lost", ["networks.yaml", "campaigns", "campaigns/vital-signs.yaml"])
def test_what_vanishes_while_it_is_read_is_not_taken_for_gone(
    config: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    # It is away while the first look is taken, and back before anything is opened.
    whole, looks = load_catalog(config, now=NOW)[0], []

    def away(directory: Path) -> Stamp:
        looks.append(directory)
        if len(looks) > 1:
            return stamp(directory)
        (config / lost).rename(config / "away")
        found = stamp(directory)
        (config / "away").rename(config / lost)
        return found

    monkeypatch.setattr("service.adapters.catalog_files.stamp", away)
    assert load_catalog(config, now=NOW)[0] == whole


def test_networks_are_missed_by_what_was_read(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However often they are away when looked for, and there when asked for.
    monkeypatch.setattr(
        "service.adapters.catalog_files.stamp",
        lambda directory: tuple(one for one in stamp(directory) if one[0] != "network"),
    )  # fmt: skip
    (problem,) = problems_of(config)
    assert (Path(problem.file).name, problem.warning) == ("networks.yaml", False)


def test_a_file_that_cannot_be_looked_at_does_not_make_its_references_wrong(config: Path) -> None:
    for name in ("sites/example.yaml", "apps/vital-signs.yaml", "networks.yaml"):
        file = config / name
        good = file.read_bytes()
        file.unlink()
        file.symlink_to("nowhere")
        (problem,) = problems_of(config)
        assert (problem.file, "No such file" in problem.message) == (str(file), True)
        file.unlink()
        file.write_bytes(good)


def test_what_will_not_be_read_is_warned_of(config: Path) -> None:
    for name in ("site.yaml", "sites/old.yml", "campaigns/notes.txt"):
        (config / name).write_text("x")
    (config / "campaigns" / "2026").mkdir()
    problems = problems_of(config)
    assert all(problem.warning and "is not read" in problem.message for problem in problems)
    assert {Path(problem.file).name for problem in problems} == {
        "site.yaml",
        "old.yml",
        "notes.txt",
        "2026",
    }


def test_what_editors_and_orchestrators_leave_is_passed_over(config: Path) -> None:
    for name in (".example.yaml.swp", "example.yaml~", "#example.yaml#", "..data", "a.yaml.tmp"):
        (config / "sites" / name).write_text("{")
    assert problems_of(config) == ()


def test_networks_are_required_once(config: Path) -> None:
    text = (config / "networks.yaml").read_text()
    (config / "networks.yaml").write_text(f"{text}---\n{text}")
    assert "two documents" in problems_of(config)[0].message
    (config / "networks.yaml").unlink()
    (problem,) = problems_of(config)
    assert "is missing" in problem.message


def test_stamps_change_with_every_way_of_saving(config: Path) -> None:
    file = config / "sites" / "example.yaml"
    seen = [stamp(config)]
    file.write_bytes(file.read_bytes())
    seen.append(stamp(config))
    (config / "sites" / "new").write_bytes(file.read_bytes())
    (config / "sites" / "new").rename(file)
    seen.append(stamp(config))
    file.unlink()
    seen.append(stamp(config))
    assert len(set(seen)) == len(seen)
    assert stamp(config / "absent") == ()


def test_of_a_changed_directory_only_what_changed_is_read_and_made_again(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(source: Source) -> Understood:
        read.append(source.path.name)
        return understood(source)

    monkeypatch.setattr("service.adapters.catalog.understood", noted)
    files, app = CatalogFiles(config), config / "apps" / "vital-signs.yaml"
    assert files.stamp is None
    first, _ = files.load(now=NOW)
    assert files.stamp == stamp(config)
    read.clear()
    text = app.read_text()
    app.write_text(text.replace("Vital Signs App", "Other App"))
    second, _ = files.load(now=NOW)
    assert read == ["vital-signs.yaml"]
    assert second.version != first.version
    assert second.apps["vital-signs"].name.startswith("Other App")
    assert second.campaigns["vital-signs"] is first.campaigns["vital-signs"]
    app.write_text("id: [")
    for _ in range(2):  # what is wrong is told again, read or not
        with pytest.raises(BadConfiguration) as bad:
            files.load(now=NOW)
        assert bad.value.problems[0].file == str(app)
    app.write_text(text)
    assert files.load(now=NOW)[0] == first


def test_the_digest_tells_files_apart_not_only_their_joined_bytes(config: Path) -> None:
    first = read_sources(config).version
    (config / "sites" / "example.yaml").rename(config / "sites" / "renamed.yaml")
    assert read_sources(config).version != first


@pytest.mark.parametrize("name", sorted(json_schemas()))
def test_committed_schemas_are_fresh(name: str) -> None:
    # To mend: call service.adapters.catalog_schema.write_schemas(Path("config/schema")).
    assert (ROOT / "config" / "schema" / name).read_bytes() == json_schemas()[name]


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda f: f.name)
def test_every_example_names_its_schema_to_editors(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    schema = (file.parent / first.removeprefix(prefix)).resolve()
    assert schema.name in json_schemas()
    assert schema.parent == ROOT / "config" / "schema"
