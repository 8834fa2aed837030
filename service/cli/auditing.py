"""`audit`: compares journals, marks and counts, and says what does not add up; mends nothing."""

import argparse
import asyncio
import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from service.adapters.engine_directory import running_socket
from service.adapters.journal_audit import holdings, journals, unreadable
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_counts import RedisCounts
from service.adapters.redis_link import RedisLink
from service.cli.words import say
from service.domain.buckets import Bucket
from service.domain.errors import BadConfiguration, CountsUnavailable, Problem, RedisAway
from service.domain.events import SHARDS
from service.flows.audit import HOURS_A_DAY, Account, Holding, account
from service.settings.reading import read_settings
from service.settings.values import Settings

TIMEOUT_S = 10.0
_DAYS_MAX = 98  # hours are kept for a hundred days
Marks = Mapping[int, Mapping[str, int]]


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print the account; 1 when something does not add up."""
    parser = argparse.ArgumentParser(
        prog="handbill audit",
        description="Compare journals, marks and counts. Takes --data and --redis-url as `serve`"
        " does; without an address it asks the running service's own engine.",
    )
    parser.add_argument("--days", type=int, default=8, help="how many days of counts, 1 to 98")
    given, flags = parser.parse_known_args(arguments)
    settings = read_settings(flags, environ)
    days = min(max(given.days, 1), _DAYS_MAX)
    found, problems = asyncio.run(_account(settings, days))
    for line in _lines(found, days):
        say(line)
    for problem in (*found.problems, *problems):
        say(f"does not add up: {problem}", error=True)
    return 1 if found.problems or problems else os.EX_OK


async def _account(settings: Settings, days: int) -> tuple[Account, list[str]]:
    directory = settings.data / "journal"
    link = RedisLink(settings.redis_url or _embedded(settings.data), timeout_s=TIMEOUT_S)
    try:
        applier, reader = RedisApplier(link), RedisCounts(link, timeout_s=TIMEOUT_S)
        marks = {shard: await applier.marks(shard) for shard in range(SHARDS)}
        counts: dict[Bucket, dict[str, int]] = {}
        async for bucket, sums in reader.counts(_span(days)):
            known = counts.setdefault(bucket, {})
            for field, count in sums.items():
                known[field] = known.get(field, 0) + count
    except (RedisAway, CountsUnavailable) as away:
        raise _unusable("--redis-url", f"Redis does not answer: {away}") from None
    finally:
        await link.close()
    found: list[Holding] = []
    problems = [f"{name} was set aside, unreadable" for name in unreadable(directory)]
    for journal in journals(directory):
        try:
            found += holdings(directory, journal, marks)
        except sqlite3.Error as error:
            problems.append(f"journal {journal} cannot be read: {error}")
    return account(found, counts), problems


def _span(days: int) -> list[Bucket]:
    """Return the last days, today included, and all of their hours."""
    today = int(time.time()) // 3_600 // HOURS_A_DAY * HOURS_A_DAY
    first = today - (days - 1) * HOURS_A_DAY
    whole = [Bucket("day", hour) for hour in range(first, today + 1, HOURS_A_DAY)]
    return whole + [Bucket("hour", hour) for hour in range(first, today + HOURS_A_DAY)]


def _lines(found: Account, days: int) -> list[str]:
    return [
        f"pending        {found.pending:>12,}  events on disk that Redis has not applied",
        f"applied        {found.applied:>12,}  in the last {days} days",
        *(f"  {verdict:12} {count:>12,}" for verdict, count in found.verdicts.items()),
        f"refused        {found.refused:>12,}  not acknowledged, in the last {days} days",
        f"unrecoverable  {found.unrecoverable:>12,}  lost by Redis and retained by no journal here",
        f"damaged        {found.damaged:>12,}  in rows that cannot be read",
    ]


def _embedded(data: Path) -> str:
    socket = running_socket(data / "redis")
    if socket is None:
        raise _unusable("--redis-url", "no engine runs on --data: start the service, or name Redis")
    return f"unix://{socket}"


def _unusable(flag: str, what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, flag, what),))
