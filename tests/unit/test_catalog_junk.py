"""Any value put anywhere into the example either loads or is refused in order, never a crash."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.adapters.catalog import load_catalog
from service.adapters.catalog_yaml import parse
from service.domain.errors import BadConfiguration, Problem

ROOT = Path(__file__).parents[2] / "config"
FILES = sorted(str(file.relative_to(ROOT)) for file in ROOT.rglob("*.yaml"))
NOW = datetime(2026, 11, 25, tzinfo=UTC)

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "code", "url", "start", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value inside a document."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    for key, inner in items or (enumerate(value) if isinstance(value, list) else ()):
        yield from places(inner, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a copy of a document with the value at `path` replaced."""
    if not path:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_junk_anywhere_is_refused_or_loads(tmp_path: Path, data: st.DataObject) -> None:
    directory = tmp_path / "config"
    shutil.copytree(ROOT, directory, dirs_exist_ok=True)
    name = data.draw(st.sampled_from(FILES))
    document = parse((ROOT / name).read_text())[0][0].value
    path = data.draw(st.sampled_from(list(places(document))))
    (directory / name).write_text(json.dumps(replaced(document, path, data.draw(junk))))
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        catalog, warnings = load_catalog(directory, now=NOW)
        assert catalog.sites
    except BadConfiguration as bad:
        errors = tuple(problem for problem in bad.problems if not problem.warning)
        assert errors
    assert all(problem.warning for problem in warnings)
    assert all(problem.message and problem.line >= 1 for problem in errors)


def test_the_junk_is_put_everywhere() -> None:
    document = parse((ROOT / "campaigns" / "vital-signs.yaml").read_text())[0][0].value
    assert ("creatives", 0, "placements", 1) in set(places(document))
    with pytest.raises(KeyError):
        replaced(document, ("absent",), 1)
