"""A service that is asked to stop: nobody it let in is turned away, nothing it took is lost."""

import asyncio
import signal
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from service.app.running import REQUESTS_S, SHIPPING_S
from tests.serving import Serving
from tests.torture.brief_lives import brief_lives
from tests.torture.ledger import HEADERS, Pace
from tests.torture.oracle import audit
from tests.torture.pages import Beacon, beacons_of
from tests.torture.redis_process import redis_running
from tests.torture.scene import Scene, scene

BRISK = Pace(repeat_within_s=0.3)
PROMPT_S = 4.0  # less than what a second signal makes it not wait for
BUSY_S = 8.0  # for a stop that has nothing to wait for, on a machine that has other things to do
SOON_S = 5.0


def asked_to_stop(service: Serving, number: int = signal.SIGTERM) -> None:
    service.process.send_signal(number)


async def ended(service: Serving, within_s: float) -> int:
    """Return the exit code, which must come in time."""
    return await asyncio.wait_for(service.process.wait(), within_s)


async def status(url: str) -> int:
    """Return what a new connection is answered, 0 if nobody listens."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status
    except aiohttp.ClientConnectorError:
        return 0


async def until_it_is(wanted: int, url: str) -> None:
    async with asyncio.timeout(SOON_S):
        while await status(url) != wanted:
            await asyncio.sleep(0.01)


class Reader:
    """One connection that is kept, and a beacon that can be sent in two parts."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, beacon: Beacon) -> None:
        assert beacon.body is not None
        head = (
            f"POST {beacon.path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(beacon.body)}\r\n"
        )
        head += "".join(f"{name}: {text}\r\n" for name, text in HEADERS.items())
        self._request = f"{head}\r\n".encode() + beacon.body
        self._reader = reader
        self._writer = writer

    async def begin(self) -> None:
        """Send all but the last byte."""
        self._writer.write(self._request[:-1])
        await self._writer.drain()

    async def finish(self) -> bytes:
        """Send the last byte and return the head of the answer."""
        self._writer.write(self._request[-1:])
        await self._writer.drain()
        return await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), SOON_S)

    async def end(self, within_s: float = SOON_S) -> bytes:
        """Return what still comes until the other side closes."""
        return await asyncio.wait_for(self._reader.read(), within_s)


@asynccontextmanager
async def connected(it: Scene, service: Serving) -> AsyncIterator[Reader]:
    """Connect a reader with a beacon that is acknowledged in the ledger only by the test."""
    parts = urlsplit(service.public)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    page = next(it.load._minted)
    it.load.pages.append(page)
    beacon = beacons_of(page)[0]
    page.offered |= beacon.mask
    try:
        yield Reader(reader, writer, beacon)
    finally:
        writer.close()


class TestAcceptedRequests:
    async def test_under_load_all_that_was_acknowledged_is_in_redis_when_it_has_ended(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
            async with it.load.flowing():
                await it.load.more(2_000)
                assert await it.stop(it.services[0]) == 0
                before = await audit(it.load, redis_url=redis.url, wait_s=0)
                assert (before.lost, before.double, before.invented) == (0, 0, 0)
            await it.serve()
            account = await it.account()
            assert account.sound, account

    async def test_a_request_that_is_half_there_is_still_answered_and_counted(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                await asyncio.sleep(0.2)
                asked_to_stop(service)
                await until_it_is(0, f"{service.public}/robots.txt")
                assert (await reader.finish()).startswith(b"HTTP/1.1 204")
                _acknowledge(it)
                assert await ended(service, BUSY_S) == 0
            account = await audit(it.load, redis_url=redis.url, wait_s=0)
            assert (account.acked, account.lost) == (3, 0), account

    async def test_on_a_kept_connection_the_last_answer_says_that_it_is_the_last(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                assert b"connection: close" not in (await reader.finish()).lower()
                await reader.begin()
                await asyncio.sleep(0.2)
                asked_to_stop(service)
                await until_it_is(0, f"{service.public}/robots.txt")
                assert b"connection: close" in (await reader.finish()).lower()
                assert await reader.end() == b""

    async def test_a_request_that_comes_together_with_the_signal_is_answered(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                assert (await reader.finish()).startswith(b"HTTP/1.1 204")
                service.process.send_signal(signal.SIGSTOP)
                await reader.begin()
                asked_to_stop(service)
                service.process.send_signal(signal.SIGCONT)
                await until_it_is(0, f"{service.public}/robots.txt")
                assert (await reader.finish()).startswith(b"HTTP/1.1 204")
                assert await reader.end() == b""

    async def test_idle_connections_hold_nothing_up(self, tmp_path: Path) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
                await asyncio.gather(
                    *(session.get(f"{service.public}/robots.txt") for _ in range(100))
                )
                parts = urlsplit(service.public)
                silent = [
                    await asyncio.open_connection(parts.hostname, parts.port) for _ in range(20)
                ]
                asked_to_stop(service)
                assert await ended(service, BUSY_S) == 0
                for _, writer in silent:
                    writer.close()

    async def test_a_request_that_never_ends_is_not_waited_for_for_ever(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                await asyncio.sleep(0.2)
                asked_to_stop(service)
                assert await ended(service, REQUESTS_S + BUSY_S) == 0

    async def test_a_body_that_never_comes_is_waited_for_no_longer_than_any(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                began = time.monotonic()
                asked_to_stop(service)
                assert (await reader.end(REQUESTS_S)).startswith(b"HTTP/1.1 408")
                assert await ended(service, BUSY_S) == 0
            assert time.monotonic() - began < REQUESTS_S


class TestGrace:
    async def test_it_is_not_ready_but_serves_as_long_as_it_was_told(self, tmp_path: Path) -> None:
        async with (
            redis_running() as redis,
            scene(tmp_path, redis.url, services=0, pace=BRISK) as it,
        ):
            service = await it.serve("data", "--grace", "2")
            async with it.load.flowing():
                await it.load.more(200)
                began = time.monotonic()
                asked_to_stop(service)
                await until_it_is(503, f"{service.internal}/readyz")
                assert await status(f"{service.internal}/livez") == 200
                while time.monotonic() - began < 1.5:
                    assert await status(f"{service.public}/robots.txt") == 200
                    assert await status(f"{service.internal}/readyz") == 503
                assert not it.load.told.errors
                it.services.remove(service)
                it.load.move_to()  # as a balancer does that saw it was not ready
            assert await ended(service, BUSY_S) == 0
            assert time.monotonic() - began >= 2
            account = await audit(it.load, redis_url=redis.url, wait_s=0)
            assert (account.lost, account.double, account.invented) == (0, 0, 0)

    async def test_a_second_signal_ends_it_at_once_and_loses_nothing(self, tmp_path: Path) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url, services=0) as it:
            service = await it.serve("data", "--grace", "600")
            async with it.load.flowing():
                await it.load.more(500)
                asked_to_stop(service)
                await until_it_is(503, f"{service.internal}/readyz")
                await it.load.more(100)
                asked_to_stop(service)
                it.services.remove(service)
                it.load.move_to()
                assert await ended(service, BUSY_S) == 0
            await it.serve()
            account = await it.account()
            assert account.sound, account


class TestHurry:
    async def test_a_second_signal_waits_for_no_request(self, tmp_path: Path) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url) as it:
            service = it.services[0]
            async with connected(it, service) as reader:
                await reader.begin()
                await asyncio.sleep(0.2)
                asked_to_stop(service)
                await until_it_is(0, f"{service.public}/robots.txt")
                asked_to_stop(service)
                assert await ended(service, PROMPT_S) == 0

    async def test_a_second_signal_waits_for_no_redis_and_what_was_taken_is_shipped_next_time(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
            service = it.services[0]
            await it.load.offer(400)
            redis.hang()
            await it.load.offer(400)
            await it.load.settle()
            asked_to_stop(service, signal.SIGINT)
            await until_it_is(0, f"{service.public}/robots.txt")
            asked_to_stop(service, signal.SIGINT)
            assert await ended(service, PROMPT_S) == 0
            it.services.remove(service)
            redis.go_on()
            await it.serve()
            account = await it.account()
            assert account.sound, account


class TestBriefLives:
    async def test_one_that_has_hardly_begun_ends_as_well(self, tmp_path: Path) -> None:
        outcome = await brief_lives(tmp_path, times=4)
        assert outcome.sound, outcome

    async def test_nor_does_the_engine_of_one_hold_it_up(self, tmp_path: Path) -> None:
        outcome = await brief_lives(tmp_path, times=2, embedded=True)
        assert outcome.sound, outcome


class TestRedisAway:
    async def test_it_ends_within_its_bound_and_the_next_start_ships_what_is_left(
        self, tmp_path: Path
    ) -> None:
        async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
            service = it.services[0]
            await it.load.offer(400)
            await redis.kill()
            await it.load.offer(400)
            await it.load.settle()
            asked_to_stop(service)
            assert await ended(service, SHIPPING_S + BUSY_S) == 0
            it.services.remove(service)
            await redis.start()
            await it.serve()
            account = await it.account()
            assert account.sound, account
            assert account.acked >= 800


def _acknowledge(it: Scene) -> None:
    page = it.load.pages[-1]
    page.acked = page.offered
