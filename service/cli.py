"""The command line: serve, check, health, keys; prints for people and exits with sysexits codes."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.adapters.key_file import new_key_line
from service.app import serve
from service.domain.errors import BadConfiguration
from service.settings import Settings, read_settings

EXIT_CONFIG = 78  # sysexits.h: EX_CONFIG
HEALTH_TIMEOUT_S = 3


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="handbill", description="App ads and share links.")
    parser.add_argument("command", choices=sorted(_COMMANDS), help="; ".join(_HELP))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="see `handbill <command> --help`")
    if not arguments:
        parser.print_help()
        return os.EX_USAGE
    parsed = parser.parse_args(arguments[:1])
    try:
        return _COMMANDS[parsed.command](arguments[1:], os.environ)
    except BadConfiguration as bad:
        for problem in bad.problems:
            _say(str(problem), error=True)
        return EXIT_CONFIG


def _serve(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    return serve(read_settings(arguments, environ))


def _check(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(prog="handbill check")
    parser.add_argument(
        "--config", type=Path, default=Path(environ.get("HANDBILL_CONFIG", "config"))
    )
    directory: Path = parser.parse_args(arguments).config
    catalog, warnings = load_catalog(directory)
    for warning in warnings:
        _say(str(warning))
    _say(
        f"{directory}: {len(catalog.sites)} sites, {len(catalog.apps)} apps,"
        f" {len(catalog.campaigns)} campaigns, {len(catalog.networks)} networks: good"
    )
    return os.EX_OK


def _health(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    address = _settings_for_health(arguments, environ).internal
    host = "127.0.0.1" if address.wildcard else address.host
    connection = HTTPConnection(host, address.port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        _say(response.read().decode())
    except (OSError, HTTPException) as error:
        _say(f"nothing answers at {host}:{address.port}: {error}", error=True)
        return os.EX_UNAVAILABLE
    finally:
        connection.close()
    return os.EX_OK if response.status == 200 else os.EX_UNAVAILABLE  # noqa: PLR2004  HTTP's OK


def _settings_for_health(arguments: Sequence[str], environ: Mapping[str, str]) -> Settings:
    return read_settings(arguments, environ)


def _keys(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    parser = argparse.ArgumentParser(
        prog="handbill keys", description="Print a fresh key line; the file's first line signs."
    )
    parser.add_argument("action", choices=("new",))
    parser.add_argument("--number", type=int, default=1, help="1 to 255, its own in the file")
    _say(new_key_line(parser.parse_args(arguments).number))
    return os.EX_OK


def _say(text: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(text + "\n")


_COMMANDS: dict[str, Callable[[Sequence[str], Mapping[str, str]], int]] = {
    "serve": _serve,
    "check": _check,
    "health": _health,
    "keys": _keys,
}
_HELP = (
    "serve: run the service",
    "check: validate the configuration",
    "health: ask a running service",
    "keys: make a token key",
)
