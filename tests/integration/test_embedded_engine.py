"""The embedded engine against everything that ends processes: data stay, writers stay alone."""

import asyncio
import os
import platform
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from service.adapters import embedded_engine, engine_directory
from service.adapters.embedded_engine import EmbeddedEngine
from service.adapters.engine_program import find_engine
from service.domain.errors import BadConfiguration
from tests.engine import client, running

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0
OTHER_SERVICE = """
    import asyncio, sys
    from pathlib import Path
    from service.adapters.embedded_engine import EmbeddedEngine

    async def main():
        engine = EmbeddedEngine(Path(sys.argv[1]))
        url = await engine.start()
        print(url, engine.pid, flush=True)
        await asyncio.sleep(60)
"""
UNTIED = """
    from service.adapters import embedded_engine
    embedded_engine.tied_to_parent = lambda command: command  # as where there is no prctl
    asyncio.run(main())
"""
PLAIN = "asyncio.run(main())"
UVLOOP = "import uvloop; asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())"


def other_service(directory: Path, runner: str = PLAIN) -> subprocess.Popen[str]:
    """Start another process with an engine over the directory."""
    code = textwrap.dedent(OTHER_SERVICE) + textwrap.dedent(runner)
    command = (sys.executable, "-c", code, str(directory))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def announced(service: subprocess.Popen[str]) -> tuple[str, int]:
    """Return the other service's address and its engine's process id."""
    assert service.stdout is not None
    url, pid = service.stdout.readline().split()
    return url, int(pid)


def kill(service: subprocess.Popen[str]) -> None:
    service.kill()
    service.wait()
    assert service.stdout is not None
    service.stdout.close()


def alive(pid: int) -> bool:
    """Say whether a process runs (one that only waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def answers(url: str, key: str) -> str | None:
    """Return a key's value as soon as the engine answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            async with client(url) as redis:
                value = await redis.get(key)
                return None if value is None else str(value)
        except RedisError:
            assert time.monotonic() < deadline, "the engine does not come back"
            await asyncio.sleep(0.01)


async def test_data_survive_stop_and_start(tmp_path: Path) -> None:
    first = EmbeddedEngine(tmp_path / "redis")
    url = await first.start()
    async with client(url) as redis:
        await redis.set("kept", "yes")
    await first.stop()
    assert not Path(url.removeprefix("unix://")).parent.exists()

    second = EmbeddedEngine(tmp_path / "redis")
    assert await answers(await second.start(), "kept") == "yes"
    await second.stop()


async def test_only_its_user_reaches_the_engine(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path / "redis")
    socket = Path((await engine.start()).removeprefix("unix://"))
    try:
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700
        async with client(f"unix://{socket}") as redis:
            assert (await redis.config_get("port"))["port"] == "0"
    finally:
        await engine.stop()


async def test_it_writes_a_file_that_any_redis_reads(tmp_path: Path) -> None:
    async with running(tmp_path / "redis") as engine, client(engine.url) as redis:
        found = await redis.config_get("a*", "maxmemory-policy", "save")
    assert found["appendonly"] == "yes"
    assert found["appendfsync"] == "everysec"
    assert found["aof-use-rdb-preamble"] == "no"
    assert found["maxmemory-policy"] == "noeviction"
    assert found["save"] == ""


async def test_a_killed_engine_is_back_on_the_same_socket_with_its_data(tmp_path: Path) -> None:
    async with running(tmp_path / "redis") as engine:
        async with client(engine.url) as redis:
            await redis.set("kept", "yes")
            await asyncio.sleep(1.2)  # the file is synced each second
        for _ in range(2):
            killed = engine.pid
            os.kill(killed, signal.SIGKILL)
            while engine.pid == killed:
                await asyncio.sleep(0.01)
            assert await answers(engine.url, "kept") == "yes"


async def test_stopping_does_not_wait_for_the_next_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_engine, "RESTART_S", 30.0)
    engine = EmbeddedEngine(tmp_path / "redis")
    await engine.start()
    os.kill(engine.pid, signal.SIGKILL)
    await asyncio.sleep(0.1)
    async with asyncio.timeout(1):
        await engine.stop()


@pytest.mark.parametrize("runner", [PLAIN, UVLOOP], ids=["asyncio", "uvloop"])
async def test_the_engine_ends_with_a_killed_service_and_leaves_the_directory_free(
    tmp_path: Path, runner: str
) -> None:
    service = other_service(tmp_path / "redis", runner)
    url, pid = announced(service)
    async with client(url) as redis:
        await redis.set("kept", "yes")
    kill(service)

    async with running(tmp_path / "redis") as engine:
        assert not alive(pid)
        assert await answers(engine.url, "kept") == "yes"
    assert not Path(url.removeprefix("unix://")).parent.exists()


async def test_a_start_waits_for_the_engine_of_a_killed_service(tmp_path: Path) -> None:
    service = other_service(tmp_path / "redis")
    _, pid = announced(service)
    os.kill(pid, signal.SIGSTOP)  # an engine that takes long to write its last
    kill(service)
    asyncio.get_running_loop().call_later(0.5, os.kill, pid, signal.SIGCONT)
    began = time.monotonic()
    async with running(tmp_path / "redis"):
        assert time.monotonic() - began > 0.4
        assert not alive(pid)


async def test_an_engine_that_never_ends_is_named_after_a_bounded_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_directory, "TAKE_OVER_S", 0.2)
    service = other_service(tmp_path / "redis")
    _, pid = announced(service)
    os.kill(pid, signal.SIGSTOP)
    kill(service)
    try:
        with pytest.raises(BadConfiguration, match="has not ended"):
            await EmbeddedEngine(tmp_path / "redis").start()
    finally:
        os.kill(pid, signal.SIGKILL)
    async with running(tmp_path / "redis"):
        pass  # it is free as soon as that engine is gone


async def test_a_second_service_on_the_directory_is_refused_at_once(tmp_path: Path) -> None:
    async with running(tmp_path / "redis") as first:
        second = EmbeddedEngine(tmp_path / "redis")
        with pytest.raises(BadConfiguration, match=f"process {os.getpid()} uses .*--data"):
            await second.start()
        assert alive(first.pid)
        assert second.pid == 0


async def test_an_orphan_that_no_kernel_ended_is_asked_to(tmp_path: Path) -> None:
    service = other_service(tmp_path / "redis", UNTIED)
    url, pid = announced(service)
    kill(service)
    assert await answers(url, "any") is None
    assert alive(pid)
    async with running(tmp_path / "redis"):
        assert not alive(pid)


def test_a_wheel_less_place_is_told_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    with pytest.raises(BadConfiguration, match="--redis-url"):
        find_engine(None)
    with pytest.raises(BadConfiguration, match="is no program"):
        find_engine(tmp_path)


def test_a_link_to_an_engine_keeps_its_name(tmp_path: Path) -> None:
    link = tmp_path / "redis-server"  # as on Debian, where one program goes by many names
    link.symlink_to(find_engine(None))
    assert find_engine(link) == link


async def test_an_engine_that_does_not_start_says_why(tmp_path: Path) -> None:
    binary = tmp_path / "engine"
    binary.write_text("#!/bin/sh\necho the disk is full\nexit 3\n")
    binary.chmod(0o700)
    engine = EmbeddedEngine(tmp_path / "redis", binary)
    with pytest.raises(BadConfiguration, match=r"ended with 3 \(the disk is full\)"):
        await engine.start()
    async with running(tmp_path / "redis"):
        pass  # the directory was let go
