"""`simulate`: runs planner and chooser of this configuration on synthetic traffic, and draws."""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.cli.checking import add_config
from service.cli.words import progress, say
from service.domain.ads import Campaign
from service.domain.catalog import Catalog
from service.domain.errors import BadInput
from service.flows.simulate import Simulation
from service.flows.simulated import Outcome, World
from service.web.pages import render

RATES = (0.005, 0.02)  # true click rates are dealt evenly from here
_DAYS_MAX, _VIEWS_MAX = 60, 100_000_000


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Simulate, print delivery and regret, write the plot."""
    parser = argparse.ArgumentParser(prog="handbill simulate")
    parser.add_argument("--days", type=int, default=7, help="1 to 60")
    parser.add_argument("--views", type=int, default=1_000_000, help="page views in all")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same outcome")
    parser.add_argument("--replicas", type=int, default=1, help="processes that share the traffic")
    parser.add_argument("--site", help="the site's id (default: the first)")
    parser.add_argument("--plot", type=Path, default=Path("simulation.svg"), help="an SVG file")
    add_config(parser, environ)
    given = parser.parse_args(arguments)
    if not (1 <= given.days <= _DAYS_MAX and 1 <= given.views <= _VIEWS_MAX):
        raise BadInput("--days, --views", f"give 1 to {_DAYS_MAX} days and 1 to {_VIEWS_MAX} views")
    catalog, _ = load_catalog(given.config)
    site = catalog.sites.get(given.site or next(iter(catalog.sites)))
    if site is None:
        raise BadInput("--site", "give the id of a configured site")
    world = World(
        catalog, site, dealt_rates(catalog, given.seed), int(time.time()) // 86_400 * 24,
        given.days, given.views, given.seed, max(1, given.replicas),
    )  # fmt: skip
    outcome = asyncio.run(Simulation(world).run(progress))
    for line in (*_deliveries(world, outcome), *_regrets(world, outcome)):
        say(line)
    given.plot.write_text(_plot(world, outcome), encoding="utf-8")
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


def _deliveries(world: World, outcome: Outcome) -> list[str]:
    lines = [f"{'delivered by day':32}" + "".join(f"{day + 1:>9}" for day in range(world.days))]
    for campaign in world.catalog.campaigns.values():
        clicks = _counts_clicks(campaign)
        table = outcome.clicked if clicks else outcome.delivered
        days = [table.get((campaign.id, day), 0) for day in range(world.days)]
        flight = campaign.flight(world.start_hour)
        goal = flight.goal.total if flight and flight.goal else 0
        total = outcome.total(campaign.id, clicks=clicks)
        against = f"   {total:,} of {goal:,} ({total / goal:.1%})" if goal else f"   {total:,}"
        name = f"{campaign.id} {'clicks' if clicks else 'impressions'}"
        lines.append(f"{name:32}" + "".join(f"{n:>9,}" for n in days) + against)
    return lines


def _regrets(world: World, outcome: Outcome) -> list[str]:
    lines = []
    for campaign in world.catalog.campaigns.values():
        ids = [creative.id for creative in campaign.creatives]
        if len(ids) > 1:
            regret, even = outcome.regret(ids, world.rates)
            share = regret / even if even else 0.0
            lines.append(
                f"{campaign.id}: clicks missed against always the best {regret:,.0f};"
                f" an even split would have missed {even:,.0f} ({share:.0%} of that)"
            )
    return lines


def _plot(world: World, outcome: Outcome) -> str:
    """Draw each campaign's deliveries over the days as one line."""
    series = []
    for campaign in world.catalog.campaigns.values():
        table = outcome.clicked if _counts_clicks(campaign) else outcome.delivered
        counts, total = [], 0
        for day in range(world.days):
            total += table.get((campaign.id, day), 0)
            counts.append(total)
        series.append((campaign.id, counts))
    most = max((counts[-1] for _, counts in series), default=1) or 1
    lines = [
        {
            "name": name,
            "points": " ".join(
                f"{60 + 640 * (day + 1) / world.days:.1f},{320 - 280 * count / most:.1f}"
                for day, count in enumerate([0, *counts], -1)
            ),
            "y": round(320 - 280 * counts[-1] / most, 1),
        }
        for name, counts in series
    ]
    return render("simulation.svg", lines=lines, most=f"{most:,}", days=world.days)


def _counts_clicks(campaign: Campaign) -> bool:
    return any(flight.goal and flight.goal.clicks for flight in campaign.flights)
