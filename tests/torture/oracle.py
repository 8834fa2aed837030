"""Holds a ledger against what Redis and the reports say, event by event; sends no events.

For each token and kind: acknowledged, so counted valid exactly once; not acknowledged, so counted
once or not at all; never offered, so not counted. Gross is the sum of all verdicts.
"""

import asyncio
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from service.adapters import redis_keys
from service.adapters.redis_link import AWAY, RedisLink
from service.domain.events import REFUSED, UNUSED, Verdict
from service.domain.reporting import FIELDS
from tests.torture.ledger import Load
from tests.torture.pages import BY_BIT, PLACEMENT_KINDS, Page, bits_in, shard_of

POLL_S = 0.1
READ_S = 10.0
_TOKEN_BYTES = 4
_KIND, _NETWORK, _PLACEMENT, _VERDICT = map(
    FIELDS.index, ("kind", "network", "placement", "verdict")
)
_A_KIND, _A_NETWORK = 3, 4  # places in the name of an article's count
_P_PLACEMENT, _P_KIND = 1, 4  # places in the name of a pace
_COUNTABLE = {Verdict.VALID, Verdict.DUPLICATE, REFUSED}


@dataclass
class Account:
    """What became of a ledger's events; `sound` if nothing is lost, double, invented or strange."""

    offered: int = 0
    acked: int = 0
    counted: int = 0
    lost: int = 0
    double: int = 0
    invented: int = 0
    refused: int = 0
    strange: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether every event is where it should be."""
        return not (self.lost or self.double or self.invented or self.strange)


@dataclass
class _Counted:
    """What Redis holds: bitmaps by issuer and chunk, and the sums of each kind of hash."""

    seen: dict[tuple[int, int], bytes] = field(default_factory=dict)
    hour: Counter[str] = field(default_factory=Counter)
    day: Counter[str] = field(default_factory=Counter)
    articles: Counter[str] = field(default_factory=Counter)
    pace: Counter[str] = field(default_factory=Counter)


async def audit(load: Load, *internals: str, redis_url: str, wait_s: float = 60.0) -> Account:
    """Return the account once nothing waits to be shipped by the services at these addresses.

    Looks again until the account is sound or the time is up: a service that just started learns
    only bit by bit what is still to be shipped.
    """
    deadline = time.monotonic() + wait_s
    while True:
        await drained(*internals, wait_s=max(0.0, deadline - time.monotonic()))
        account = await _account(load, internals, redis_url)
        if account.sound or time.monotonic() > deadline:
            return account
        await asyncio.sleep(POLL_S)


async def drained(*internals: str, wait_s: float = 60.0) -> None:
    """Wait until each service has Redis and nothing left to ship, twice in a row."""
    async with asyncio.timeout(wait_s + READ_S):
        for internal in internals:
            idle = 0
            while idle < 2:
                found = await scraped(internal)
                empty = found["handbill_redis_up"] == 1 and not found["handbill_journal_events"]
                idle = idle + 1 if empty else 0
                await asyncio.sleep(POLL_S)


async def scraped(internal: str) -> dict[str, float]:
    """Return a service's metrics by name, labels summed up; zeros where it does not answer."""
    found: defaultdict[str, float] = defaultdict(float)
    try:
        text = (await _get(f"{internal}/metrics")).decode()
    except (ClientError, OSError):
        return found
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] += sample.value
    return found


async def reported(internal: str) -> Counter[tuple[str, ...]]:
    """Return the report of a day back until now: (kind, placement, network, verdict) to count."""
    since = datetime.fromtimestamp(time.time() - timedelta(days=1).total_seconds(), UTC).date()
    by = "site,kind,placement,network,verdict"
    body = await _get(f"{internal}/v1/report.json?tz=UTC&from={since}&by={by}")
    keys = ("kind", "placement", "network", "verdict")
    found: Counter[tuple[str, ...]] = Counter()
    for row in json.loads(body)["rows"]:
        found[tuple(row[key] or UNUSED for key in keys)] += row["count"]
    return found


async def health(internal: str) -> dict[str, str]:
    """Return what a ready service says of its parts."""
    checks: dict[str, str] = json.loads(await _get(f"{internal}/readyz"))["checks"]
    return checks


async def _account(load: Load, internals: tuple[str, ...], redis_url: str) -> Account:
    try:
        counted = await _read(redis_url)
        reports = [await reported(internal) for internal in internals]
    except (*AWAY, ClientError) as error:
        return Account(strange=[f"cannot be read: {error!r}"])
    account = Account()
    bits = _compare_bits(load.pages, counted, account)
    _compare_sums(bits, counted, account)
    _compare_gross(load, counted, account)
    hours = _named(counted.hour, (_KIND, _PLACEMENT, _NETWORK, _VERDICT))
    for report in reports:
        if report != hours:
            account.strange.append(f"the report differs: {_difference(report, hours)}")
    return account


def _compare_bits(
    pages: list[Page], counted: _Counted, account: Account
) -> Counter[tuple[str, ...]]:
    """Compare each token's bits with what the ledger says of it; return how often each is set."""
    bits: Counter[tuple[str, ...]] = Counter()
    known = defaultdict[tuple[int, int], int](int)
    for page in pages:
        chunk = counted.seen.get((page.issuer, page.chunk), b"")
        raw = chunk[page.place * _TOKEN_BYTES :][:_TOKEN_BYTES].ljust(_TOKEN_BYTES, b"\0")
        # Redis' first bit is a byte's highest; ours is a number's lowest.
        mask = int(f"{int.from_bytes(raw, 'big'):032b}"[::-1], 2)
        known[page.issuer, page.chunk] += mask.bit_count()
        bits.update(BY_BIT[bit].named for bit in bits_in(mask & page.offered))
        account.offered += page.offered.bit_count()
        account.acked += page.acked.bit_count()
        account.lost += (page.acked & ~mask).bit_count()
        account.invented += (mask & ~page.offered).bit_count()
    for place, chunk in counted.seen.items():
        if extra := int.from_bytes(chunk, "big").bit_count() - known[place]:
            account.invented += extra
            account.strange.append(
                f"bits that nobody offered, of issuer and chunk {place}: {extra}"
            )
    return bits


def _compare_sums(bits: Counter[tuple[str, ...]], counted: _Counted, account: Account) -> None:
    """Compare the bits with every sum that they should have made."""
    valid = _named(counted.hour, (_KIND, _PLACEMENT, _NETWORK), verdict=Verdict.VALID)
    account.counted = valid.total()
    account.double += (valid - bits).total()
    account.lost += (bits - valid).total()
    taught = Counter({name[:2]: n for name, n in valid.items() if name[0] in PLACEMENT_KINDS})
    kinds: Counter[tuple[str, ...]] = Counter()
    for (kind, _, network), count in valid.items():
        kinds[kind, network] += count
    for what, found, wanted in (
        ("days", counted.day, counted.hour),
        ("articles", _named(counted.articles, (_A_KIND, _A_NETWORK)), kinds),
        ("pace", _named(counted.pace, (_P_KIND, _P_PLACEMENT)), taught),
    ):
        if found != wanted:
            account.strange.append(f"{what} differ: {_difference(found, wanted)}")
    for name, count in counted.hour.items():
        if name.split("|")[_VERDICT] not in _COUNTABLE:
            account.strange.append(f"{count} × {name}")


def _named(sums: Counter[str], places: tuple[int, ...], verdict: str = "") -> Counter[Any]:
    """Fold counts to some of the parts of their names, of one verdict where it is given."""
    folded: Counter[tuple[str, ...]] = Counter()
    for name, count in sums.items():
        fields = name.split("|")
        if not verdict or fields[_VERDICT] == verdict:
            folded[tuple(fields[place] for place in places)] += count
    return folded


def _compare_gross(load: Load, counted: _Counted, account: Account) -> None:
    """Compare the sum of all verdicts with how often each kind was sent."""
    gross: Counter[str] = Counter()
    for name, count in counted.hour.items():
        fields = name.split("|")
        if fields[_VERDICT] == REFUSED:
            account.refused += count
        else:
            gross[fields[_KIND]] += count
    told = load.told
    for kind in {*gross, *told.acked}:
        if not told.acked[kind] <= gross[kind] <= told.acked[kind] + told.maybe[kind]:
            account.strange.append(
                f"gross {kind} is {gross[kind]}, acknowledged were {told.acked[kind]} "
                f"and perhaps {told.maybe[kind]}"
            )


def _difference(one: Counter[Any], other: Counter[Any]) -> dict[Any, int]:
    return {name: one[name] - other[name] for name in one | other if one[name] != other[name]}


async def _read(redis_url: str) -> _Counted:
    counted = _Counted()
    link = RedisLink(redis_url, timeout_s=READ_S)
    try:
        for keys in await link.ask_all(_keys):
            for key in keys:
                await _read_key(link, key, counted)
    finally:
        await link.close()
    return counted


async def _keys(server: Redis) -> list[str]:
    return [raw.decode() async for raw in server.scan_iter(match="hb:*", count=1_000)]


async def _read_key(link: RedisLink, key: str, counted: _Counted) -> None:
    _, _, name, *rest = key.split(":")
    async with link.borrow(key) as client:
        if name == "seen":
            issuer, chunk = map(int, rest)
            assert key == redis_keys.seen(shard_of(issuer, chunk << 16), issuer, chunk)
            bitmap: Any = await client.get(key)
            counted.seen[issuer, chunk] = bitmap or b""
        elif isinstance(sums := getattr(counted, name, None), Counter):
            found: Any = await client.hgetall(key)
            sums.update({text.decode(): int(count) for text, count in found.items()})


async def _get(url: str) -> bytes:
    timeout = ClientTimeout(total=READ_S)
    async with ClientSession(timeout=timeout) as session, session.get(url) as answer:
        answer.raise_for_status()
        return await answer.read()
