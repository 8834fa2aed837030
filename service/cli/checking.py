"""`check`: validates the configuration and says every problem at once; changes nothing."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.cli.words import say


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print warnings and a summary; raises `BadConfiguration` with the problems."""
    parser = argparse.ArgumentParser(prog="handbill check")
    add_config(parser, environ)
    directory: Path = parser.parse_args(arguments).config
    catalog, warnings = load_catalog(directory)
    for warning in warnings:
        say(str(warning))
    say(
        f"{directory}: {len(catalog.sites)} sites, {len(catalog.apps)} apps,"
        f" {len(catalog.campaigns)} campaigns, {len(catalog.networks)} networks: good"
    )
    return os.EX_OK


def add_config(parser: argparse.ArgumentParser, environ: Mapping[str, str]) -> None:
    """Let a command take `--config`, as `serve` does."""
    default = Path(environ.get("HANDBILL_CONFIG") or "config")
    parser.add_argument("--config", type=Path, default=default, help="[HANDBILL_CONFIG]")
