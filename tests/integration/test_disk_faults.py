"""Disks that are full, limited, hang or hold a journal of tomorrow, under a real service.

Rows are those of the failure matrix. Each test drives real processes over HTTP.
"""

import asyncio
import os
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from service.adapters.journal_schema import FORMAT
from tests.disks import disk, needs_root
from tests.journals import opened, views
from tests.serving import Serving, serving
from tests.torture.ledger import DECISION, HEADERS, Load, Pace
from tests.torture.lives import Lives
from tests.torture.logs import complaints
from tests.torture.oracle import Account, audit, scraped
from tests.torture.pages import FIRST as DEEDS
from tests.torture.pages import Page, mint, posted, redirects_of
from tests.torture.redis_process import Keeps, redis_running
from tests.torture.seen import ask, readiness, refused, resident, until_ready_is

WAIT_S = 30.0
MIB = 1 << 20
FREE_BYTES = 256 * MIB  # what the journal leaves to others
PACE = Pace(rate=1_000, repeat_within_s=0.5, timeout_s=3.0, trust_redirects=False)
FULL_SPEED = Pace(rate=20_000, connections=16, decided=0, repeated=0, trust_redirects=False)
COMMITS = "handbill_journal_commit_seconds_count"
A_BLINK_S = 5.0  # for an answer that waits for nothing, on a machine that is busy
GROWTH_BYTES_MAX = 48 * MIB


async def account(load: Load, service: Serving, redis_url: str) -> Account:
    """Settle everything and compare it with the ledger."""
    await load.settle()
    return await audit(load, service.internal, redis_url=redis_url)


async def still_serves_readers(service: Serving, page: Page) -> None:
    """Demand that decisions answer, and that clicks and shares go where they should."""
    assert (await ask(service, DECISION)).status == 200
    for redirect in redirects_of(page, "facebook"):
        assert (await ask(service, redirect)).status == 302


@needs_root
async def test_row_16_a_full_disk_refuses_beacons_and_nothing_else(
    tmp_path: Path, redis_url: str
) -> None:
    with disk(tmp_path / "disk", f"size={FREE_BYTES + 16 * MIB}") as small:
        lives = Lives(tmp_path, redis_url, data=small / "data")
        page, ballast = next(mint(lives.keys)), small / "ballast"
        async with Load(lives.keys, pace=PACE) as load, lives.life(load) as service:
            await load.offer(500)
            async with load.flowing():
                ballast.write_bytes(bytes(17 * MIB))
                assert await until_ready_is(service, 503) == "refusing: disk"
                refusal = await ask(service, posted(page, *DEEDS))
                assert refusal.status == 503
                assert int(refusal.retry_after or 0) > 0
                await still_serves_readers(service, page)
                ballast.unlink()
                assert await until_ready_is(service, 200) == "ok"
            found = await account(load, service, redis_url)
            assert found.sound, found
            report, metric = await refused(service)
            assert report == metric > 0
            assert complaints(service) == []
            assert await service.stop() == os.EX_OK


async def test_row_17_the_second_io_error_ends_the_service_and_the_next_goes_on(
    tmp_path: Path, redis_url: str
) -> None:
    lives = Lives(tmp_path, redis_url)
    limited = ("/bin/sh", "-c", 'ulimit -f 1000; exec "$@"', "sh")
    async with Load(lives.keys, pace=PACE) as load:
        async with lives.life(load, prefix=limited) as service, load.flowing():
            code = await asyncio.wait_for(service.process.wait(), WAIT_S)
        assert code == os.EX_IOERR
        assert "journal goes on in a new file" in service.logged
        async with lives.life(load) as service:
            found = await account(load, service, redis_url)
    assert found.sound, found
    assert found.refused > 0


async def test_a_disk_that_hangs_holds_up_no_reader(tmp_path: Path, redis_url: str) -> None:
    lives = Lives(tmp_path, redis_url)
    pages = mint(lives.keys)
    async with Load(lives.keys, pace=PACE) as load:
        async with lives.life(load, fault="before-commit:20:hang") as service:
            async with load.flowing(), asyncio.timeout(WAIT_S):
                while (await scraped(service.internal))[COMMITS] < 19:
                    await asyncio.sleep(0.05)
            assert (await ask(service, DECISION)).took_s < A_BLINK_S
            for redirect in redirects_of(next(pages), "facebook"):
                answer = await ask(service, redirect)
                assert answer.status == 302
                assert answer.took_s < A_BLINK_S
            assert await fill_memory(service, next(pages)) == {503}
            assert await until_ready_is(service, 503) == "refusing: busy"
            await still_serves_readers(service, next(pages))
            service.kill()
        async with lives.life(load) as service:
            found = await account(load, service, redis_url)
    assert found.sound, found
    assert found.acked > 0


async def fill_memory(service: Serving, page: Page) -> set[int]:
    """Send beacons until no more may wait for the disk; return what any of them was told."""
    beacon = posted(page, *DEEDS[:1] * 50)
    told: Counter[int] = Counter()
    everyone = TCPConnector(limit=0)
    async with ClientSession(headers=HEADERS, connector=everyone) as session:

        async def post() -> None:
            async with session.post(f"{service.public}{beacon.path}", data=beacon.body) as answer:
                told[answer.status] += 1

        posts = [asyncio.create_task(post()) for _ in range(90)]
        async with asyncio.timeout(WAIT_S):
            while not told[503]:
                posts += [asyncio.create_task(post()) for _ in range(30)]
                await asyncio.sleep(0.05)
        for task in posts:
            task.cancel()
        await asyncio.gather(*posts, return_exceptions=True)
    return set(told)


async def test_memory_is_bounded_with_redis_away_and_all_is_counted_afterwards(
    tmp_path: Path,
) -> None:
    async with redis_running(Keeps.EVERYTHING) as redis:
        lives = Lives(tmp_path, redis.url)
        async with (
            Load(lives.keys, pace=FULL_SPEED) as load,
            lives.life(load, "--journal-max", "2MiB") as service,
        ):
            await load.offer(1_000)
            await redis.kill()
            before = resident(service)
            async with load.flowing():
                assert await until_ready_is(service, 503) == "refusing: full"
                await asyncio.sleep(1.0)
                assert resident(service) - before < GROWTH_BYTES_MAX
            await redis.start()
            assert await until_ready_is(service, 200) == "ok"
            found = await account(load, service, redis.url)
            assert found.sound, found
            report, metric = await refused(service)
            assert report == metric > 0


async def test_row_18_a_rotten_journal_costs_what_is_rotten(tmp_path: Path, redis_url: str) -> None:
    async with opened(tmp_path / "data" / "journal") as made:
        for n in range(10):
            await made.take(*views(n * 10, 10))
    file = tmp_path / "data" / "journal" / f"{made.id}.db"
    rotten = sqlite3.connect(file)
    rotten.execute("UPDATE rows_03 SET body = zeroblob(length(body)) WHERE n = 4")
    rotten.commit()
    rotten.close()
    lives = Lives(tmp_path, redis_url)
    async with Load(lives.keys) as load, lives.life(load) as service, asyncio.timeout(WAIT_S):
        while (await scraped(service.internal))["handbill_shipped_events_total"] < 90:
            await asyncio.sleep(0.05)
        found = await scraped(service.internal)
        assert found["handbill_events_unrecoverable_total"] == 10
        assert "journal damaged, rebuilt" in service.logged
        assert '"row": 4' in service.logged
        assert (await readiness(service))[0] == 200


async def test_a_journal_of_a_later_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with opened(tmp_path / "journal") as made:
        await made.take(*views(0, 1))
    newer = sqlite3.connect(tmp_path / "journal" / f"{made.id}.db")
    newer.execute(f"PRAGMA user_version = {FORMAT + 1}")
    newer.close()
    with pytest.raises(RuntimeError, match=r"ended with 78: .*run the version that wrote it"):
        async with serving(tmp_path):
            pass
    shutil.rmtree(tmp_path / "journal")
