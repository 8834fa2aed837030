"""A clock that jumps, descriptors that run out, a key that leaked: the counts stay right.

Rows 19, 23 and 24 of the failure matrix, over real processes.
"""

import asyncio
import socket
import time
from calendar import timegm
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientTimeout

from service.adapters.engine_program import tied_to_parent
from service.adapters.key_file import new_key_line
from service.domain.events import Verdict
from tests.commands import FAKETIME, needs_faketime
from tests.serving import Serving, serving
from tests.torture.ledger import HEADERS, Load, Pace
from tests.torture.oracle import audit, drained, health, reported
from tests.torture.pages import Page, beacons_of, mint
from tests.torture.redis_process import RedisProcess, redis_running

HOUR_S = 3_600
DESCRIPTORS = 100  # a service at rest has twenty
STRANGERS = 300
LINES_A_SECOND_MAX = 10
EXHAUSTED_S = 3.0
SOON_S = 5.0
REREAD_S = 2.0
LIMITED = ("/bin/sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh")


@dataclass
class Told:
    """A service, its Redis, and readers before it."""

    service: Serving
    redis: RedisProcess
    load: Load
    keys: Path

    async def settled(self) -> None:
        """Wait until all is answered and counted, and hold the ledger against it."""
        await self.load.settle()
        account = await audit(self.load, self.service.internal, redis_url=self.redis.url)
        assert account.sound, account

    async def hours(self) -> Counter[int]:
        """Return the events of each hour since the epoch."""
        found: Counter[int] = Counter()
        async with self.redis.client() as client:
            async for key in client.scan_iter(match="hb:*:hour:*"):
                hour = timegm(time.strptime(key.rpartition(":")[2], "%Y%m%d%H")) // HOUR_S
                found[hour] += sum(map(int, await client.hvals(key)))
        return found


@asynccontextmanager
async def told(
    home: Path, *, environ: Mapping[str, str] | None = None, prefix: Sequence[str] = ()
) -> AsyncIterator[Told]:
    """Run a service in an environment of its own."""
    keys = home / "keys"
    put_keys(keys, new_key_line(1))
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(redis_running())
        service = await stack.enter_async_context(
            serving(
                home / "data", "--redis-url", redis.url, "--keys", str(keys),
                environ=environ, prefix=tied_to_parent(tuple(prefix)),
            )
        )  # fmt: skip
        pace = Pace(connections=16, repeat_within_s=0.3)
        load = await stack.enter_async_context(Load(keys, service.public, pace=pace))
        yield Told(service, redis, load, keys)


def put_keys(path: Path, *lines: str) -> None:
    """Replace the key file whole, as an operator's tool does."""
    new = path.with_suffix(".new")
    new.write_text("\n".join(lines) + "\n")
    new.chmod(0o600)
    new.replace(path)


@needs_faketime
@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
async def test_row_19_a_jump_of_the_clock_moves_no_event_to_another_hour(
    tmp_path: Path, jump_s: int
) -> None:
    now = tmp_path / "now"
    now.write_text("+0s")
    environ = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(now),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    began = int(time.time()) // HOUR_S
    async with told(tmp_path, environ=environ) as it:
        await it.load.offer(400)
        now.write_text(f"{jump_s:+}s")
        async with asyncio.timeout(SOON_S):
            while "the wall clock jumped" not in it.service.logged:
                await asyncio.sleep(0.05)
        await it.load.offer(400)
        await it.settled()
        hours = await it.hours()
        assert set(hours) <= {began, int(time.time()) // HOUR_S}
        assert hours.total() >= 800
        assert it.service.logged.count("the wall clock jumped") == 1


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_row_23_without_descriptors_who_is_in_is_served_and_the_log_is_not_flooded(
    tmp_path: Path, loop: str
) -> None:
    environ = {}
    if loop == "asyncio":  # as where no uvloop is built
        (tmp_path / "uvloop.py").write_text("raise ImportError\n")
        environ["PYTHONPATH"] = str(tmp_path)
    async with told(tmp_path, environ=environ, prefix=LIMITED) as it:
        await it.load.offer(400)
        lines, began = len(it.service.log), time.monotonic()
        with strangers(it.service.public):
            await it.redis.ask(
                "CLIENT", "KILL", "TYPE", "normal"
            )  # the shipper needs descriptors too
            offering = asyncio.create_task(it.load.offer(400))
            await asyncio.sleep(EXHAUSTED_S)
            assert len(it.service.log) - lines <= LINES_A_SECOND_MAX * (time.monotonic() - began)
        await offering
        assert await answers(it.service)
        await it.settled()
        assert (await health(it.service.internal))["redis"] == "ok"


@contextmanager
def strangers(public: str) -> Iterator[None]:
    """Hold more connections than the service has descriptors, until the block ends."""
    parts = urlsplit(public)
    with ExitStack() as stack:
        for _ in range(STRANGERS):
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.connect_ex((parts.hostname, parts.port))
        yield


async def answers(service: Serving) -> bool:
    """Say whether a new reader is served soon."""
    deadline = time.monotonic() + SOON_S
    async with ClientSession(timeout=ClientTimeout(total=SOON_S)) as session:
        while time.monotonic() < deadline:
            # Whoever comes while the strangers are just being let go is turned away.
            with suppress(ClientConnectionError):
                async with session.get(f"{service.public}/robots.txt") as answer:
                    return answer.status == 200
            await asyncio.sleep(0.05)
    return False


class TestRow24:
    async def test_a_key_that_is_taken_away_makes_nothing_valid_two_seconds_later(
        self, tmp_path: Path
    ) -> None:
        async with told(tmp_path) as it:
            leaked = mint(it.keys)
            assert await judged(it, [next(leaked) for _ in range(5)]) == {Verdict.VALID: 15}
            put_keys(it.keys, new_key_line(2))
            await asyncio.sleep(REREAD_S)
            assert await judged(it, [next(leaked) for _ in range(5)]) == {Verdict.FORGED: 15}
            fresh = mint(it.keys)
            assert await judged(it, [next(fresh) for _ in range(5)]) == {Verdict.VALID: 15}

    async def test_a_new_key_in_front_of_the_old_one_turns_no_reader_away(
        self, tmp_path: Path
    ) -> None:
        async with told(tmp_path) as it:
            old_line, old = it.keys.read_text().strip(), mint(it.keys)
            put_keys(it.keys, new_key_line(2), old_line)
            await asyncio.sleep(REREAD_S)
            new = mint(it.keys)
            pages = [page for _ in range(5) for page in (next(old), next(new))]
            assert await judged(it, pages) == {Verdict.VALID: 30}

    async def test_a_key_file_that_cannot_be_used_leaves_the_keys_as_they_were(
        self, tmp_path: Path
    ) -> None:
        async with told(tmp_path) as it:
            minted = next(mint(it.keys))
            put_keys(it.keys, "not a key")
            await asyncio.sleep(REREAD_S)
            assert await judged(it, [minted]) == {Verdict.VALID: 3}
            assert it.service.logged.count("token keys refused") == 1


async def judged(it: Told, pages: Sequence[Page]) -> dict[str, int]:
    """Report the first beacons of pages; return how many more events have which verdict."""
    before = await verdicts(it)
    async with ClientSession(headers=HEADERS) as session:
        for page in pages:
            beacon = beacons_of(page)[0]
            url = f"{it.service.public}{beacon.path}"
            async with session.post(url, data=beacon.body) as answer:
                assert answer.status == 204
    await drained(it.service.internal)
    return dict(await verdicts(it) - before)


async def verdicts(it: Told) -> Counter[str]:
    """Return the report's events by verdict."""
    found: Counter[str] = Counter()
    for (*_, verdict), count in (await reported(it.service.internal)).items():
        found[verdict] += count
    return found
