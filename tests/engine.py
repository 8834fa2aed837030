"""A real engine for tests, the one that the service ships; never on a fixed port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service.adapters.embedded_engine import EmbeddedEngine


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[EmbeddedEngine]:
    """Run an engine over a directory; its address is `engine.url`."""
    engine = EmbeddedEngine(directory)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def client(url: str) -> Redis:
    """Return a client that repeats nothing by itself; close it by `aclose`."""
    return Redis.from_url(url, decode_responses=True, retry=Retry(NoBackoff(), 0))
