"""Reloading a real directory as editors, orchestrators and mistakes change it."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from service.adapters import catalog_watch
from service.adapters.catalog import CatalogFiles
from service.adapters.catalog_watch import watch_catalog
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem

ROOT = Path(__file__).parents[2]
LIVE_WITHIN_S = 2.0
Told = tuple[Catalog | BadConfiguration, tuple[Problem, ...]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a private copy of the shipped example."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path / "config"


@asynccontextmanager
async def watched(directory: Path, *, polling: bool) -> AsyncIterator[asyncio.Queue[Told]]:
    """Watch a directory; yield the queue of what was told."""
    told: asyncio.Queue[Told] = asyncio.Queue()
    files = CatalogFiles(directory)
    version = files.load()[0].version
    watch = asyncio.create_task(
        watch_catalog(
            files,
            lambda outcome, problems: told.put((outcome, problems)),
            version=version,
            polling=polling,
        )
    )
    await asyncio.sleep(0.5)
    assert told.empty()
    try:
        yield told
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def catalog_told(told: asyncio.Queue[Told]) -> Catalog:
    """Return the next catalogue; fail if it is not live in time or is faulty."""
    outcome, _ = await asyncio.wait_for(told.get(), LIVE_WITHIN_S)
    assert isinstance(outcome, Catalog), outcome
    return outcome


def replaced(file: Path, old: str, new: str) -> str:
    """Return a file's text with one text replaced."""
    text = file.read_text()
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("polling", [False, True])
async def test_edits_in_place_and_by_rename_are_live(config: Path, polling: bool) -> None:
    file = config / "sites" / "example.yaml"
    async with watched(config, polling=polling) as told:
        file.write_text(replaced(file, "Example News", "Second News"))
        assert (await catalog_told(told)).sites["example"].name == "Second News"
        saved = file.with_name(".example.yaml.new")
        saved.write_text(replaced(file, "Second News", "Third News"))
        saved.replace(file)
        assert (await catalog_told(told)).sites["example"].name == "Third News"


async def test_new_and_removed_files_are_live(config: Path) -> None:
    first = config / "campaigns" / "vital-signs.yaml"
    second = config / "campaigns" / "second.yaml"
    async with watched(config, polling=False) as told:
        second.write_text(
            replaced(first, "id: vital-signs", "id: second").replace("vs-text", "second-text")
        )
        assert set((await catalog_told(told)).campaigns) == {"vital-signs", "second"}
        second.unlink()
        assert set((await catalog_told(told)).campaigns) == {"vital-signs"}


async def test_a_faulty_change_is_told_and_mending_it_is_live(config: Path) -> None:
    file = config / "sites" / "example.yaml"
    good = file.read_text()
    async with watched(config, polling=False) as told:
        file.write_text(good.replace("timezone: UTC", "timezone: Mars"))
        outcome, warnings = await asyncio.wait_for(told.get(), LIVE_WITHIN_S)
        assert isinstance(outcome, BadConfiguration)
        assert [problem.field for problem in outcome.problems] == ["timezone"]
        assert warnings == ()
        file.touch()
        await asyncio.sleep(1.5)
        assert told.empty()
        file.write_text(good)
        assert (await catalog_told(told)).sites["example"].timezone == "UTC"


@pytest.mark.parametrize("polling", [False, True])
async def test_a_swapped_config_map_is_live(tmp_path: Path, polling: bool) -> None:
    """Kubernetes mounts files as links into `..data`, a link that it replaces atomically."""
    mount = tmp_path / "mount"
    shutil.copytree(ROOT / "config", mount / "..first")
    (mount / "..data").symlink_to("..first")
    for name in ("networks.yaml", "sites", "apps", "campaigns"):
        (mount / name).symlink_to(Path("..data") / name)
    async with watched(mount, polling=polling) as told:
        shutil.copytree(ROOT / "config", mount / "..second")
        file = mount / "..second" / "sites" / "example.yaml"
        file.write_text(replaced(file, "Example News", "Swapped News"))
        (mount / "..data_tmp").symlink_to("..second")
        os.replace(mount / "..data_tmp", mount / "..data")  # noqa: PTH105 - what kubelet calls
        shutil.rmtree(mount / "..first")
        assert (await catalog_told(told)).sites["example"].name == "Swapped News"


async def test_a_replaced_directory_is_live(config: Path) -> None:
    """The notices of the old directory are lost with it; the look every second is not."""
    other = config.with_name("other")
    shutil.copytree(config, other)
    file = other / "sites" / "example.yaml"
    file.write_text(replaced(file, "Example News", "Moved News"))
    async with watched(config, polling=False) as told:
        config.rename(config.with_name("old"))
        other.rename(config)
        outcomes = [await asyncio.wait_for(told.get(), LIVE_WITHIN_S)]
        if isinstance(outcomes[-1][0], BadConfiguration):  # seen between the two renames
            outcomes.append(await asyncio.wait_for(told.get(), LIVE_WITHIN_S))
        catalog = outcomes[-1][0]
        assert isinstance(catalog, Catalog)
        assert catalog.sites["example"].name == "Moved News"


async def test_a_change_made_before_the_watch_began_is_told(config: Path) -> None:
    told: asyncio.Queue[Told] = asyncio.Queue()
    watch = asyncio.create_task(
        watch_catalog(CatalogFiles(config), lambda *told_now: told.put(told_now), version="older")
    )
    assert "example" in (await catalog_told(told)).sites
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch


async def test_a_directory_that_goes_and_comes_is_survived(config: Path) -> None:
    async with watched(config, polling=False) as told:
        away = config.with_name("away")
        config.rename(away)
        outcome, _ = await asyncio.wait_for(told.get(), LIVE_WITHIN_S)
        assert isinstance(outcome, BadConfiguration)
        assert "--config" in outcome.problems[0].message
        away.rename(config)
        assert "example" in (await catalog_told(told)).sites


@pytest.mark.parametrize("name", ["campaigns", "networks.yaml"])
async def test_what_is_there_and_cannot_be_read_is_told_and_mending_it_is_live(
    config: Path, name: str
) -> None:
    part, away = config / name, config / "away"
    async with watched(config, polling=False) as told:
        part.rename(away)
        part.symlink_to("nowhere")
        outcome, _ = await asyncio.wait_for(told.get(), LIVE_WITHIN_S)
        assert isinstance(outcome, BadConfiguration)
        assert [problem.file for problem in outcome.problems] == [str(part)]
        part.unlink()
        away.rename(part)
        assert "vital-signs" in (await catalog_told(told)).campaigns


async def test_a_failing_receiver_is_asked_again(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_watch, "_BACK_OFF_S", (0.05, 0.1))
    told: list[Catalog | BadConfiguration] = []
    done = asyncio.Event()

    async def receive(outcome: Catalog | BadConfiguration, _: tuple[Problem, ...]) -> None:
        told.append(outcome)
        if len(told) < 3:
            raise RuntimeError("the receiver failed")
        done.set()

    watch = asyncio.create_task(watch_catalog(CatalogFiles(config), receive, polling=True))
    await asyncio.wait_for(done.wait(), 10)
    assert not watch.done()
    watch.cancel()
    with suppress(asyncio.CancelledError):
        await watch


async def test_the_watch_ends_at_once_when_cancelled(config: Path) -> None:
    async with watched(config, polling=False):
        began = time.monotonic()
    assert time.monotonic() - began < 1
