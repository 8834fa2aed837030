#!/usr/bin/env python3
"""The one place where commands are defined; makes `.venv`, then becomes the command.

Needs Python 3.11 or newer with pip, nothing else; installs only what the hashed lock files name.
"""

# Old Pythons must come as far as being told their age: nothing here may need a new one to load.
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple  # noqa: UP035  see above

from devtools.debian import (
    find_browser,
    provide_browser,
    provide_old_redis,
    provide_program,
    provide_prometheus,
)
from devtools.environment import LOCKS, ROOT, VENV, install, make_venv, pip
from devtools.words import fail, say

UV = "uv>=0.9,<1"  # only `lock` needs it, so no lock file names it
ALONE = frozenset({"lint", "fmt", "lock", "embed"})  # they would not heed arguments
# Most tests wait for processes, disks and seconds: more workers than a small machine has cores.
ALL_TESTS = ("-q", "-n", "4", "--dist", "loadfile")
LINTERS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("lint-imports", "--no-logo"),
)


def main(arguments: Sequence[str]) -> None:
    """Run one command; the ones that run the service or the tests never return."""
    if sys.version_info < (3, 11):  # noqa: UP036  people do run it with older ones
        fail(f"Handbill needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(
        prog="dev.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="\n".join(f"{name:9} {text}" for name, (_, text) in COMMANDS.items()),
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="handed to the command")
    command = parser.parse_args(arguments[:1]).command
    if command in ALONE and arguments[1:]:
        fail(f"{command} takes no arguments; it {COMMANDS[command][1]}")
    COMMANDS[command][0](arguments[1:])


def serve(arguments: Sequence[str]) -> None:
    """Run the service; without `--redis-url` with its own engine and the demo page."""
    handbill(("serve", *arguments))


def handbill(arguments: Sequence[str]) -> None:
    """Run any command of the service."""
    install("runtime")
    become("-m", "service", *arguments)


def test(arguments: Sequence[str]) -> None:
    """Lint, then run all tests; with arguments, only pytest with those."""
    install("dev")
    provide_browser(required=os.environ.get("REQUIRE_BROWSER") == "1")
    provide_prometheus(VENV / "bin")
    provide_old_redis(VENV / "bin")
    if not arguments:
        run_linters()
    become("-m", "pytest", *(arguments or ALL_TESTS))


def lint(_: Sequence[str]) -> None:
    """Check style, types and floors."""
    install("dev")
    run_linters()


def run_linters() -> None:
    """Run each linter; the first that finds something ends everything with its exit code."""
    for command in LINTERS:
        say(" ".join(command))
        done = subprocess.run([VENV / "bin" / command[0], *command[1:]], cwd=ROOT, check=False)
        if done.returncode:
            sys.exit(done.returncode)


def fmt(_: Sequence[str]) -> None:
    """Mend what ruff can mend, and format."""
    install("dev")
    subprocess.run([VENV / "bin/ruff", "check", "--fix", "--quiet"], cwd=ROOT, check=False)
    subprocess.run([VENV / "bin/ruff", "format", "--quiet"], cwd=ROOT, check=True)


def bench(arguments: Sequence[str]) -> None:
    """Measure against a baseline in the same run; needs wrk."""
    install("dev")
    provide_program("wrk", package="wrk")
    become("-m", "tests.bench", *arguments)


def lock(_: Sequence[str]) -> None:
    """Resolve the requirements anew into lock files with hashes and no addresses."""
    with tempfile.TemporaryDirectory(prefix="handbill-lock-") as directory:
        tools = Path(directory)
        make_venv(tools)
        pip(tools, "install", "--quiet", UV)
        constraints: list[str] = []  # what serves is also what is tested: dev comes last
        for name, path in LOCKS.items():
            say(f"resolving {name}")
            command = [
                *(str(tools / "bin/uv"), "pip", "compile", f"{name}.in", "-o", path.name),
                *("--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"),
                *("--no-build", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"),
                *constraints,
            ]
            subprocess.run(command, cwd=path.parent, check=True)
            constraints += ["--constraint", path.name]
            if "://" in path.read_text():
                fail(f"{path.name} names an address; lock files carry hashes only")


def embed(_: Sequence[str]) -> None:
    """Build the browser's script; needs Node, which nothing else does."""
    if shutil.which("npm") is None:
        fail("building the script needs Node: on Debian, apt-get install nodejs npm")
    npm = ("npm", "ci", "--no-audit", "--no-fund")
    subprocess.run(npm, cwd=ROOT / "service/embed", check=True)
    subprocess.run(("node", "service/embed/build.mjs"), cwd=ROOT, check=True)


def become(*arguments: str) -> None:
    """Replace this process by `.venv`'s Python: signals and exit codes are the command's own."""
    python = str(VENV / "bin/python")
    environ = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    browser = find_browser()
    if browser is not None:
        environ.setdefault("CHROMIUM", browser)
    os.chdir(ROOT)
    os.execve(python, [python, *arguments], environ)  # noqa: S606  no shell is the point


COMMANDS: Dict[str, Tuple[Callable[[Sequence[str]], None], str]] = {  # noqa: UP006  see above
    "serve": (serve, "runs the service, by itself with the demo page"),
    "test": (test, "lints, then runs all tests; with arguments only pytest, with those"),
    "lint": (lint, "runs ruff, mypy, import-linter"),
    "fmt": (fmt, "lets ruff mend and format everything"),
    "bench": (bench, "measures against a baseline in the same run"),
    "lock": (lock, "resolves the requirements into hashed lock files"),
    "embed": (embed, "builds the browser's script"),
    "handbill": (handbill, "runs any command of the service: check, health, keys"),
}

if __name__ == "__main__":
    main(sys.argv[1:])
