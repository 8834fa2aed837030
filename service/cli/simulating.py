"""`simulate`: runs planner and chooser of this configuration on synthetic traffic, and draws."""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.cli.checking import add_config
from service.cli.simulating_plot import plot
from service.cli.simulating_tables import tables
from service.cli.words import progress, say
from service.domain.catalog import Catalog
from service.domain.errors import BadInput
from service.flows.goals import deliveries
from service.flows.simulate import Simulation
from service.flows.simulated import World

RATES = (0.005, 0.02)  # true click rates are dealt evenly from here
BOUNDS = {"days": (1, 60), "views": (1, 100_000_000), "seed": (0, 2**32 - 1), "replicas": (1, 16)}
_YEARS = range(2000, 2101)


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Simulate, print delivery and regret, write the plot."""
    given = _parser(environ).parse_args(arguments)
    for name, (least, most) in BOUNDS.items():
        if not least <= vars(given)[name] <= most:
            raise BadInput(f"--{name}", f"give a whole number from {least} to {most}")
    _check_plot(given.plot)
    start_hour = _start_hour(given.start)
    catalog, _ = load_catalog(given.config)
    site = catalog.sites.get(given.site or next(iter(catalog.sites)))
    if site is None:
        raise BadInput("--site", "give the id of a configured site")
    rates = {**dealt_rates(catalog, given.seed), **_known_rates(given.rate, catalog)}
    world = World(
        catalog, site, rates, start_hour, given.days, given.views, given.seed, given.replicas
    )
    simulation = Simulation(world)
    left_out = simulation.left_out()
    outcome = asyncio.run(simulation.run(progress))
    found = [one for one in deliveries(world, outcome) if one.campaign not in left_out]
    for line in tables(world, outcome, found, left_out):
        say(line)
    try:
        given.plot.write_text(plot(world, found), encoding="utf-8")
    except OSError as error:
        raise BadInput("--plot", f"cannot write {given.plot}: {error.strerror}") from error
    say(f"plot: {given.plot}")
    return os.EX_OK


def dealt_rates(catalog: Catalog, seed: int) -> dict[str, float]:
    """Return a made-up true click rate for each creative."""
    dice = random.Random(seed)  # noqa: S311  made-up rates need no secrecy
    return {
        creative.id: dice.uniform(*RATES)
        for campaign in catalog.campaigns.values()
        for creative in campaign.creatives
    }


def _parser(environ: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="handbill simulate",
        description="Show made-up readers what this configuration would show, on a fast clock."
        " Nothing is counted, and no service is asked.",
    )
    parser.add_argument("--days", type=int, default=7, help="1 to 60 (default 7)")
    parser.add_argument(
        "--views", type=int, default=1_000_000, help="page views in all (default 1000000)"
    )
    parser.add_argument("--start", help="the first day, like 2026-12-01, UTC (default: today)")
    parser.add_argument(
        "--seed", type=int, default=1, help="the same seed and start, the same outcome (default 1)"
    )
    parser.add_argument(
        "--replicas", type=int, default=1, help="processes that share the traffic (default 1)"
    )
    parser.add_argument("--site", help="the site's id (default: the first)")
    parser.add_argument(
        "--rate", action="append", default=[], metavar="CREATIVE=PERCENT",
        help="a creative's true click rate, like vs-text=1.3, of viewable impressions; once for"
        f" each that is known (others: {RATES[0]:.1%} to {RATES[1]:.1%}, by the seed)".replace(
            "%", "%%"
        ),
    )  # fmt: skip
    parser.add_argument(
        "--plot", type=Path, default=Path("simulation.svg"),
        help="an SVG file (default simulation.svg)",
    )  # fmt: skip
    add_config(parser, environ)
    return parser


def _check_plot(path: Path) -> None:
    """Refuse now what could not be written when all is done."""
    if not path.parent.is_dir():
        raise BadInput("--plot", f"make the directory {path.parent} first, or name another")
    if path.is_dir():
        raise BadInput("--plot", f"{path} is a directory: name a file in it")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadInput("--plot", f"{path} cannot be written: name another file")


def _start_hour(text: str | None) -> int:
    """Return the first hour since the epoch of a day, or of today."""
    if text is None:
        return int(time.time()) // 86_400 * 24
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in _YEARS:
        raise BadInput("--start", "give a day like 2026-12-01")
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 3_600


def _known_rates(texts: Sequence[str], catalog: Catalog) -> dict[str, float]:
    """Return the click rates, 0 to 1, that somebody told in per cent."""
    creatives = {one.id for campaign in catalog.campaigns.values() for one in campaign.creatives}
    found = {}
    for text in texts:
        creative, _, percent = text.partition("=")
        if creative not in creatives:
            raise BadInput("--rate", "give the id of a configured creative, as in vs-text=1.3")
        try:
            rate = float(percent.removesuffix("%")) / 100
        except ValueError:
            rate = -1.0
        if not 0.0 <= rate <= 1.0:
            raise BadInput(
                "--rate", f"give {creative} per cent from 0 to 100, as in {creative}=1.3"
            )
        found[creative] = rate
    return found
