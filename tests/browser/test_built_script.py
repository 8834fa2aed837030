"""The committed script is what its sources make, and small."""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "service" / "embed"
BUILT = ROOT / "service" / "web" / "static" / "embed.js"
GZIP_BYTES_MAX = 3_500
INSTALL = ("npm", "ci", "--no-audit", "--no-fund")


def test_the_script_keeps_to_its_budget() -> None:
    assert len(gzip.compress(BUILT.read_bytes(), mtime=0)) <= GZIP_BYTES_MAX


def test_the_script_says_nothing_that_a_strict_policy_forbids() -> None:
    script = BUILT.read_text("utf-8")
    for word in ("innerHTML", "eval(", "Function(", "document.write", "cookie", "Storage"):
        assert word not in script


def test_lock_file_has_hashes_and_no_address() -> None:
    lock = (SOURCE / "package-lock.json").read_text("utf-8")
    assert "://" not in lock
    assert lock.count('"version"') == lock.count('"integrity"')


def test_the_script_is_what_its_sources_make(tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("no Node, so whether embed.js is fresh is not checked here")
    source = tmp_path / "embed"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("node_modules"))
    if (SOURCE / "node_modules").exists():
        (source / "node_modules").symlink_to(SOURCE / "node_modules")
    else:
        done = subprocess.run(INSTALL, cwd=source, capture_output=True, check=False)
        if done.returncode:
            pytest.skip("npm could not install the build's two packages")
    built = tmp_path / "embed.js"
    subprocess.run(("node", source / "build.mjs", built), check=True, capture_output=True)
    assert built.read_bytes() == BUILT.read_bytes(), "run python3 dev.py embed and commit embed.js"
