"""What every test may ask for: a real Redis, shared by the run and emptied for each test."""

import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis import ConnectionError as NotThere
from redis import Redis as BlockingRedis
from redis.asyncio import Redis

from service.adapters.engine_program import find_engine, tied_to_parent
from tests import engine

START_S = 10.0
IN_MEMORY = ("--port", "0", "--save", "", "--appendonly", "no")


@pytest.fixture(scope="session")
def shared_redis_url() -> Iterator[str]:
    """Run one engine in memory for the whole session; no port, so no clash."""
    with tempfile.TemporaryDirectory(prefix="hb-") as directory:
        socket = Path(directory) / "r.sock"
        command = (str(find_engine(None)), *IN_MEMORY, "--unixsocket", str(socket))
        process = subprocess.Popen(
            tied_to_parent((*command, "--dir", directory)),  # a killed run leaves none behind
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for(socket)
            yield f"unix://{socket}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)


@pytest.fixture
def redis_url(shared_redis_url: str) -> str:
    """Return the address of an empty Redis."""
    with BlockingRedis.from_url(shared_redis_url) as blocking:
        blocking.flushall()
        blocking.script_flush()
    return shared_redis_url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Return a client of an empty Redis, which repeats nothing by itself."""
    async with engine.client(redis_url) as client:
        yield client


def _wait_for(socket: Path) -> None:
    deadline = time.monotonic() + START_S
    with BlockingRedis(unix_socket_path=str(socket)) as client:
        while True:
            try:
                client.ping()
            except NotThere:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
