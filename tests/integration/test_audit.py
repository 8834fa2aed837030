"""`audit` beside a running service: what is pending and applied, and 1 when it does not add up."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.adapters.engine_directory import running_socket
from tests import engine
from tests.serving import ROOT, Serving, serving
from tests.torture.ledger import Load


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path / "data") as running:
        yield running


async def audited(data: Path, *flags: str) -> tuple[int, str]:
    """Run the command over a data directory; return its exit code and all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "service", "audit", "--data", str(data), *flags),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_what_was_acknowledged_is_applied_and_adds_up(
    service: Serving, tmp_path: Path
) -> None:
    async with Load(tmp_path / "data" / "keys", service.public) as load:
        await load.offer(200)
        await load.settle()
    async with asyncio.timeout(20):
        while "pending                   0" not in (said := (await audited(tmp_path / "data"))[1]):
            pass
    assert "does not add up" not in said
    assert (await audited(tmp_path / "data"))[0] == 0
    valid = next(line for line in said.splitlines() if "valid" in line)
    assert int(valid.split()[1].replace(",", "")) > 100


async def test_counts_that_somebody_changed_are_found(service: Serving, tmp_path: Path) -> None:
    async with Load(tmp_path / "data" / "keys", service.public) as load:
        await load.offer(50)
        await load.settle()
    socket = running_socket(tmp_path / "data" / "redis")
    async with engine.client(f"unix://{socket}") as client, asyncio.timeout(20):
        while not (days := await client.keys("hb:*:day:*")):
            await asyncio.sleep(0.05)
        await client.hincrby(days[0], "example|-|-|-|ios|-|-|view|-|valid", 7)
        code, said = await audited(tmp_path / "data")
        assert code == 1
        assert "by +7 in all" in said
        await client.hset("hb:{03}:applied", _journal(tmp_path), 10**9)
    assert "the last here is" in (await audited(tmp_path / "data"))[1]


async def test_without_a_redis_to_ask_it_says_what_to_do(tmp_path: Path) -> None:
    code, said = await audited(tmp_path / "nothing")
    assert code == 78
    assert "start the service, or name Redis" in said
    code, said = await audited(tmp_path / "nothing", "--redis-url", "redis://127.0.0.1:1")
    assert code == 78
    assert "Redis does not answer" in said


def _journal(tmp_path: Path) -> str:
    return next((tmp_path / "data" / "journal").glob("*.db")).stem
