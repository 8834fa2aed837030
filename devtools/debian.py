"""Finds the programs that tests use beside Python's, and installs Debian's where it may.

Nothing here fails a command unless a browser is required; what is missing is said, once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from ctypes.util import find_library
from pathlib import Path
from typing import Sequence  # noqa: UP035  dev.py loads on old Pythons, to say that they are old

from devtools.words import fail, say

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
PROMETHEUS = ("prometheus", "promtool")
BROWSER_PACKAGES = ("chromium-headless-shell", "libatomic1", "fonts-dejavu-core")


def find_browser() -> str | None:
    """Return the path of a Chromium: `CHROMIUM`, or the first one on the PATH."""
    if os.environ.get("CHROMIUM"):
        return shutil.which(os.environ["CHROMIUM"])
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def provide_browser(*, required: bool) -> None:
    """Have a Chromium, and the library that playwright's driver needs, or say what is skipped."""
    if find_browser() and find_library("atomic"):
        return
    apt_install(BROWSER_PACKAGES)
    if find_browser():
        return
    how = "set CHROMIUM to one, or on Debian: apt-get install " + " ".join(BROWSER_PACKAGES)
    if required:
        fail(f"REQUIRE_BROWSER=1, but there is no Chromium: {how}")
    say(f"no Chromium, so browser tests are skipped ({how})")


def provide_prometheus(directory: Path) -> None:
    """Have Prometheus and promtool, out of Debian's package: installing it would start one."""
    if all(shutil.which(name) or (directory / name).exists() for name in PROMETHEUS):
        return
    with tempfile.TemporaryDirectory() as temporary:
        package = _download("prometheus", Path(temporary))
        if package is not None:
            unpack = ("dpkg-deb", "--extract", package, f"{temporary}/root")
            subprocess.run(unpack, capture_output=True, check=False)
            programs = [Path(temporary) / "root/usr/bin" / name for name in PROMETHEUS]
            if all(program.exists() for program in programs):
                for program in programs:
                    shutil.move(program, directory / program.name)
                return
    say("no Prometheus, so its checks are skipped (on Debian: apt-get install prometheus)")


def provide_old_redis(directory: Path) -> None:
    """Have Debian's Redis, the oldest that is supported, and a library that makes clocks lie.

    Its tools are installed, not its server, which would be started; both are one program that
    goes by the name it is called by.
    """
    wanted = directory / "redis-server"
    if (shutil.which("redis-server") or wanted.exists()) and shutil.which("faketime"):
        return
    apt_install(("redis-tools", "faketime"))
    program = shutil.which("redis-check-rdb")
    if shutil.which("redis-server") is None and program is not None and not wanted.exists():
        wanted.symlink_to(program)
    if shutil.which("redis-server") is None and not wanted.exists():
        say("no old Redis, so its tests are skipped (on Debian: apt-get install redis-tools)")


def provide_program(program: str, *, package: str) -> None:
    """Have a program that the command cannot do without."""
    if shutil.which(program) is None:
        apt_install((package,))
    if shutil.which(program) is None:
        fail(f"no {program}: on Debian, apt-get install {package}")


def apt_install(packages: Sequence[str]) -> bool:
    """Install packages as root or by a sudo that asks nothing; say whether that went well."""
    root = as_root()
    if root is None:
        return False
    say(f"installing {' '.join(packages)} (Debian)")
    apt = [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    subprocess.run([*apt, "update"], stdout=subprocess.DEVNULL, check=False)
    install = [*apt, "install", "--no-install-recommends", *packages]
    done = subprocess.run(install, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        say("apt-get failed, see above; going on without")
    return done.returncode == 0


def as_root() -> list[str] | None:
    """Return what to put before apt-get, or None where it cannot be used."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    done = subprocess.run(("sudo", "-n", "true"), capture_output=True, check=False)
    return ["sudo", "-n"] if done.returncode == 0 else None


def _download(package: str, directory: Path) -> Path | None:
    """Fetch one Debian package; needs no root when the package lists are there."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return None
    say(f"fetching {package} (Debian)")
    # As root apt reads as its own user, which may not write here; that is worth no words.
    fetch = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package)
    done = subprocess.run(fetch, cwd=directory, capture_output=True, check=False)
    root = as_root()
    if done.returncode and root is not None:
        update = [*root, "apt-get", "-qq", "update"]
        subprocess.run(update, capture_output=True, check=False)
        subprocess.run(fetch, cwd=directory, capture_output=True, check=False)
    return next(directory.glob("*.deb"), None)
