"""The commands: an environment is whole or not there, and what runs is the command itself."""

import ast
import base64
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

import dev
from devtools import debian, environment

ROOT = Path(__file__).parents[2]
VERSIONS = ("1.0", "2.0")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory of wheels of one small package, the only place where pip looks."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for version in VERSIONS:
        make_wheel(shelf, version)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    locks = {name: tmp_path / f"{name}.lock" for name in ("runtime", "dev")}
    monkeypatch.setattr(environment, "LOCKS", locks)
    for path in locks.values():
        path.write_text(lock_line(shelf, "1.0"))
    return shelf


def make_wheel(shelf: Path, version: str) -> None:
    """Write the smallest wheel there is."""
    files = {
        "tinything.py": f"version = {version!r}\n",
        f"tinything-{version}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: tinything\nVersion: {version}\n"
        ),
        f"tinything-{version}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = f"tinything-{version}.dist-info/RECORD"
    lines = [f"{name},{_digest(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(wheel(shelf, version), "w") as archive:
        for name, text in (files | {record: "\n".join([*lines, f"{record},,\n"])}).items():
            archive.writestr(name, text)


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


def wheel(shelf: Path, version: str) -> Path:
    return shelf / f"tinything-{version}-py3-none-any.whl"


def lock_line(shelf: Path, version: str) -> str:
    digest = hashlib.sha256(wheel(shelf, version).read_bytes()).hexdigest()
    return f"tinything=={version} --hash=sha256:{digest}\n"


def installed(venv: Path) -> str:
    """Return the version that the environment's own Python imports."""
    command = (venv / "bin/python", "-c", "import tinything; print(tinything.version)")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def forbid_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*command: object, **_: object) -> None:
        raise AssertionError(f"ran {command}")

    monkeypatch.setattr(subprocess, "run", run)


def test_installing_makes_an_environment_and_then_costs_nothing(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    environment.install("runtime", venv)
    assert installed(venv) == "1.0"
    forbid_work(monkeypatch)
    environment.install("runtime", venv)


def test_what_serves_is_part_of_what_is_tested(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    environment.install("dev", venv)
    forbid_work(monkeypatch)
    environment.install("runtime", venv)


def test_a_changed_lock_is_followed(shelf: Path, tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    environment.install("runtime", venv)
    environment.LOCKS["runtime"].write_text(lock_line(shelf, "2.0"))
    environment.install("runtime", venv)
    assert installed(venv) == "2.0"


def test_a_package_that_is_not_the_locked_one_is_refused(shelf: Path, tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    good = environment.LOCKS["runtime"].read_text()
    environment.LOCKS["runtime"].write_text(f"tinything==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SystemExit, match="installing failed"):
        environment.install("runtime", venv)
    assert not environment.is_made("runtime", venv)
    environment.LOCKS["runtime"].write_text(good)
    environment.install("runtime", venv)
    assert installed(venv) == "1.0"


def test_an_install_cut_short_is_begun_anew(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    environment.install("runtime", venv)
    environment.LOCKS["runtime"].write_text(lock_line(shelf, "2.0"))
    with monkeypatch.context() as patch:
        patch.setattr(environment, "pip", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            environment.install("runtime", venv)
    assert not environment.is_made("runtime", venv)
    environment.LOCKS["runtime"].write_text(lock_line(shelf, "1.0"))
    assert not environment.is_made("runtime", venv)
    environment.install("runtime", venv)
    assert installed(venv) == "1.0"


def _interrupt(venv: Path, *_: str) -> None:
    (venv / "bin/half").touch()
    raise KeyboardInterrupt


def test_an_environment_of_another_python_is_not_kept(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    with monkeypatch.context() as patch:
        patch.setattr(environment, "place", lambda: "3.11.0 elsewhere")
        environment.install("runtime", venv)
    (venv / "left-over").touch()
    assert not environment.is_made("runtime", venv)
    environment.install("runtime", venv)
    assert not (venv / "left-over").exists()


def test_two_at_once_make_one_environment(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / ".venv"
    made: list[Path] = []
    make = environment.make_venv

    def noting(path: Path) -> None:
        made.append(path)
        make(path)

    monkeypatch.setattr(environment, "make_venv", noting)
    threads = [threading.Thread(target=environment.install, args=("dev", venv)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [venv]
    assert installed(venv) == "1.0"


@pytest.mark.skipif(find_spec("ensurepip") is None, reason="Debian without python3-venv")
def test_without_a_pip_of_its_own_python_unpacks_one(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = environment._works
    monkeypatch.setattr(
        environment, "_works", lambda *command: "--version" not in command and works(*command)
    )
    venv = tmp_path / ".venv"
    environment.install("runtime", venv)
    assert installed(venv) == "1.0"


def test_without_any_pip_one_line_says_what_to_install(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_works", lambda *_: False)
    with pytest.raises(SystemExit, match="apt-get install python3-pip"):
        environment.install("runtime", tmp_path / ".venv")


@pytest.mark.parametrize(
    ("name", "system", "libc"), [("nt", "win32", ""), ("posix", "linux", "musl")]
)
def test_where_no_wheels_are_one_line_says_what_to_do(name: str, system: str, libc: str) -> None:
    with pytest.raises(SystemExit, match="Dockerfile"):
        environment.refuse_platform(name, system, libc)


@pytest.mark.parametrize(("system", "libc"), [("linux", "glibc"), ("darwin", "")])
def test_where_wheels_are_nothing_is_said(system: str, libc: str) -> None:
    environment.refuse_platform("posix", system, libc)


def test_an_old_python_is_told_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer"):
        dev.main(["serve"])


def test_an_old_python_can_read_that_far() -> None:
    for path in (ROOT / "dev.py", *(ROOT / "devtools").glob("*.py")):
        tree = ast.parse(path.read_text(), feature_version=(3, 7))
        loaded = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        assert path.name == "__init__.py" or "__future__" in loaded


@pytest.fixture
def nothing_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory of the PATH, empty."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("CHROMIUM", raising=False)
    return programs


def test_a_missing_browser_is_only_said(
    nothing_on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    debian.provide_browser(required=False)
    assert "browser tests are skipped" in capsys.readouterr().err


def test_a_missing_browser_ends_what_requires_one(nothing_on_path: Path) -> None:
    with pytest.raises(SystemExit, match="REQUIRE_BROWSER=1"):
        debian.provide_browser(required=True)


def test_a_missing_program_is_named_with_its_package(nothing_on_path: Path) -> None:
    with pytest.raises(SystemExit, match="no wrk: on Debian, apt-get install wrk"):
        debian.provide_program("wrk", package="wrk")


def test_a_failing_package_manager_fails_nothing(
    nothing_on_path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("apt-get", "dpkg-deb", "sudo", "env"):
        program = nothing_on_path / name
        program.write_text("#!/bin/sh\nexit 100\n")
        program.chmod(0o700)
    debian.provide_browser(required=False)
    debian.provide_prometheus(tmp_path)
    debian.provide_old_redis(tmp_path)
    said = capfd.readouterr().err
    assert "browser tests are skipped" in said
    assert "no Prometheus" in said
    assert "no old Redis" in said


def test_the_old_redis_is_the_tools_program_by_its_own_name(
    nothing_on_path: Path, tmp_path: Path
) -> None:
    for name in ("redis-check-rdb", "faketime"):
        program = nothing_on_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o700)
    debian.provide_old_redis(tmp_path)
    debian.provide_old_redis(tmp_path)  # and again, when it is there
    assert (tmp_path / "redis-server").resolve() == nothing_on_path / "redis-check-rdb"


@pytest.mark.parametrize("arguments", [["nonsense"], []])
def test_an_unknown_command_is_a_usage_error(arguments: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        dev.main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize("command", ["lint", "fmt", "lock", "embed"])
def test_what_takes_no_arguments_does_nothing_with_some(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_work(monkeypatch)
    with pytest.raises(SystemExit, match=f"{command} takes no arguments"):
        dev.main([command, "--help"])


def test_the_process_becomes_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: became.append(call))
    monkeypatch.setattr(dev, "install", lambda _: None)
    monkeypatch.chdir(ROOT)
    dev.main(["serve", "--log", "json"])
    ((path, command, environ),) = became
    assert path == command[0] == str(environment.VENV / "bin/python")
    assert command[1:] == ["-m", "service", "serve", "--log", "json"]
    assert environ["PATH"].startswith(str(environment.VENV / "bin"))


def test_the_lock_files_carry_hashes_and_no_addresses() -> None:
    for path in environment.LOCKS.values():
        entries = path.read_text().replace("\\\n", " ").splitlines()
        assert entries
        for entry in entries:
            assert "==" in entry
            assert "--hash=sha256:" in entry
            assert "://" not in entry


def test_what_serves_is_locked_as_it_is_tested() -> None:
    def pins(name: str) -> set[str]:
        lines = environment.LOCKS[name].read_text().splitlines()
        return {line.split()[0] for line in lines if "==" in line}

    assert pins("runtime") <= pins("dev")
