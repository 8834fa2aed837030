"""Redis down, hung, older, empty or refusing: readers notice nothing and every event counts once.

Rows are those of the failure matrix. Each test drives a real service over HTTP with a real Redis.
"""

import asyncio
import os
import time
from pathlib import Path

from service.adapters import redis_keys
from service.domain.events import HOUR_MS, shard_of
from tests.bench.processes import cpu_s
from tests.torture.ledger import Pace
from tests.torture.oracle import health, scraped
from tests.torture.proxy import PASS, Fault, proxied
from tests.torture.redis_process import redis_running
from tests.torture.scene import scene

BRISK = Pace(repeat_within_s=0.3)
HASTE = Pace(decided=0.0, repeat_within_s=0.2)  # no page has to ripen
IDLE_S = 1.0
WAIT_S = 30.0
SHARD = 3
REFUSALS = {  # what makes Redis refuse, and what ends that
    "no memory": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "no replicas": (
        ("CONFIG", "SET", "min-replicas-to-write", 1),
        ("CONFIG", "SET", "min-replicas-to-write", 0),
    ),
    "read only": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "busy": (("EVAL", "while true do end", 0), ("SCRIPT", "KILL")),
}
NETWORK = {
    "delayed": Fault(delay_s=0.1),
    "too late": Fault(delay_s=1.3),
    "lost": Fault(lost=0.5),
    "reset": Fault(reset=0.5),
    "dribbled": Fault(dribbled=True),
    "half-closed": Fault(half_closed=True),
    "black hole": Fault(black_hole=True),
}


async def waiting(internal: str) -> float:
    """Return how many events a service has still to ship."""
    return (await scraped(internal))["handbill_journal_events"]


async def test_row_01_redis_goes_and_comes_back(tmp_path: Path) -> None:
    async with redis_running(tcp=True) as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
        async with it.load.flowing():
            await it.load.more(500)
            await redis.kill()
            await it.load.more(2_000)
            found = await scraped(it.services[0].internal)
            assert found["handbill_redis_up"] == 0
            assert found["handbill_journal_events"] > 500
            assert (await health(it.services[0].internal))["redis"].startswith("away")
            await redis.start()
            await it.load.more(500)
        await it.nobody_noticed()
        assert (await health(it.services[0].internal))["redis"] == "ok"


async def test_row_01_a_service_starts_and_serves_without_redis(tmp_path: Path) -> None:
    async with redis_running() as redis:
        await redis.kill()
        async with scene(tmp_path, redis.url, pace=BRISK) as it:
            await it.load.offer(1_000)
            await it.load.settle()
            await redis.start()
            await it.nobody_noticed()


async def test_row_03_replies_are_late_cut_short_or_never_come(tmp_path: Path) -> None:
    async with (
        redis_running() as redis,
        proxied(redis.url) as proxy,
        scene(tmp_path, proxy.url, pace=HASTE) as it,
    ):
        for name, fault in NETWORK.items():
            proxy.fault, proxy.hits = fault, 0
            await it.load.offer(600)
            assert proxy.hits, name
            proxy.fault = PASS
            proxy.cut()
            account = await it.account()
            assert account.sound, (name, account)
        await it.nobody_noticed()


async def test_rows_10_and_11_redis_refuses_to_write(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
        await redis.ask("CONFIG", "SET", "busy-reply-threshold", 20)
        async with it.load.flowing():
            for name, (wrong, right) in REFUSALS.items():
                await it.load.more(200)
                refusal = asyncio.create_task(redis.ask(*wrong))
                await it.load.more(1_000)
                state = (await health(it.services[0].internal))["redis"]
                assert state.startswith("away"), (name, state)
                await redis.ask(*right)
                await asyncio.gather(refusal, return_exceptions=True)
        await it.nobody_noticed()


async def test_row_12_a_key_of_ours_holds_something_else(tmp_path: Path) -> None:
    hour = time.time_ns() // 1_000_000 // HOUR_MS
    taken = [redis_keys.hour(SHARD, hour), redis_keys.hour(SHARD, hour + 1)]
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=HASTE) as it:
        await redis.ask("MSET", taken[0], "a stranger's", taken[1], "too")
        await it.load.offer(2_000)
        await it.load.settle()
        service = it.services[0]
        theirs = sum(
            page.offered.bit_count()
            for page in it.load.pages
            if shard_of(page.issuer, page.serial) == SHARD
        )
        while (
            waiting := (await scraped(service.internal))["handbill_journal_events"]
        ) > 2 * theirs:
            await asyncio.sleep(0.05)
        assert waiting >= theirs
        assert f"shard {SHARD:02}" in (await health(service.internal))["redis"]
        assert await redis.ask("GET", taken[0]) == "a stranger's"
        await redis.ask("DEL", *taken)
        await it.nobody_noticed()
        assert service.logged.count("shard halted") == 1


async def test_row_13_the_script_is_flushed(tmp_path: Path) -> None:
    async with redis_running() as redis, scene(tmp_path, redis.url, pace=BRISK) as it:
        async with it.load.flowing():
            for _ in range(20):
                await it.load.more(100)
                await redis.ask("SCRIPT", "FLUSH")
        await it.nobody_noticed()


async def test_a_service_ends_in_time_while_replies_are_lost(tmp_path: Path) -> None:
    async with (
        redis_running() as redis,
        proxied(redis.url) as proxy,
        scene(tmp_path, proxy.url, pace=HASTE) as it,
    ):
        proxy.fault = Fault(lost=0.3)
        for _ in range(2):
            await it.load.offer(300)
            await it.load.settle()
            assert await it.stop(it.services[0]) == os.EX_OK
            await it.serve()
        proxy.fault = PASS
        await it.nobody_noticed()


async def test_nothing_spins_and_no_log_is_flooded_while_redis_is_away(tmp_path: Path) -> None:
    async with (
        redis_running() as redis,
        proxied(redis.url) as proxy,
        scene(tmp_path, proxy.url, pace=HASTE) as it,
    ):
        service = it.services[0]

        async def idles(name: str) -> None:
            """Offer some events, which cannot be shipped; then watch the service do nothing."""
            await it.load.offer(300)
            await it.load.settle()
            began, lines = cpu_s(service.process.pid), len(service.log)
            await asyncio.sleep(IDLE_S)  # the time that is measured
            spent = cpu_s(service.process.pid) - began
            assert spent < 0.3 * IDLE_S, (name, spent)
            assert len(service.log) - lines < 10, (name, service.log[lines:])

        for name in ("reset", "half-closed", "black hole"):
            proxy.fault = NETWORK[name] if name != "reset" else Fault(reset=1.0)
            await idles(name)
        proxy.fault = PASS
        for setting in ("maxmemory", "min-replicas-to-write"):
            await redis.ask("CONFIG", "SET", setting, 1)
            await idles(setting)
            await redis.ask("CONFIG", "SET", setting, 0)
        await redis.kill()
        await idles("gone")
        await redis.start()
        await it.nobody_noticed()
