"""A directory that changes is judged as if it were read for the first time, whatever changed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from service.adapters.catalog import CatalogFiles, load_catalog
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem
from tests.serving import copied_config
from tests.written import Written

NOW = datetime(2026, 11, 25, 12, 30, tzinfo=UTC)
STEPS, SEEDS = 25, 6
MORE = (
    "",
    "sites: [example]",
    "sites: [elsewhere]",
    "exclusive: true",
    "target: {source: [reddit]}",
    "target: {placement: [nowhere]}",
    "exclude: {platform: [ios, android, desktop]}",
    "target: {site: [",
)
FLIGHTS = (
    "{start: 2026-01-01T00:00:00Z}",
    "{start: 2026-01-01T00:00:00Z, end: 2026-11-25T13:00:00Z}",
    "{start: 2026-01-01T00:00:00Z, end: 2026-11-25T15:00:00Z}",
)


def _judged(load: Callable[[], tuple[Catalog, tuple[Problem, ...]]]) -> object:
    try:
        return load()
    except BadConfiguration as bad:
        return bad.problems


def _change(config: Path, chance: Random) -> None:
    name = f"c{chance.randint(1, 4)}"
    file = config / "campaigns" / f"{name}.yaml"
    others = [config / "networks.yaml", *(config / "sites").iterdir(), *(config / "apps").iterdir()]
    kind = chance.choice(["write"] * 5 + ["twin", "remove", "other"])
    if kind == "remove":
        file.unlink(missing_ok=True)
    elif kind == "other":  # spoilt, or mended
        other = chance.choice(others)
        text = other.read_text()
        other.write_text(text.removesuffix("\n]") if text.endswith("\n]") else f"{text}\n]")
    else:
        Written(config).campaign(name, chance.choice(MORE), flights=chance.choice(FLIGHTS))
        if kind == "twin":  # its id is another's
            file.write_text(file.read_text().replace(name, "c1"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_judged_again_is_judged_alike(tmp_path: Path, seed: int) -> None:
    config = copied_config(tmp_path)
    chance, now, files = Random(seed), NOW, CatalogFiles(config)
    for step in range(STEPS):
        for _ in range(chance.randint(0, 2)):
            _change(config, chance)
        now += timedelta(minutes=chance.choice([0, 0, 20]))
        kept = _judged(lambda now=now: files.load(now=now))  # type: ignore[misc]
        anew = _judged(lambda now=now: load_catalog(config, now=now))  # type: ignore[misc]
        assert kept == anew, (seed, step)
