"""Real engines of every kind that the script must run on, each once a run."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
from redis import Redis as BlockingRedis

from service.adapters.engine_program import find_engine
from tests.counted import free_port
from tests.worlds import EngineWorld, ModelWorld, World, engine, own_all_slots

HOST = "127.0.0.1"
OLDEST = "7.0"


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[tuple[str, BlockingRedis]]:
    """Run a Cluster of one node; yield its address and a client."""
    port = free_port()
    flags = ("--cluster-enabled", "yes", "--bind", HOST, "--port", str(port))
    with engine(str(find_engine(None)), *flags) as client:
        own_all_slots(client)
        yield f"redis+cluster://{HOST}:{port}", client


@pytest.fixture(scope="session")
def shared_oldest_redis() -> Iterator[tuple[str, BlockingRedis]]:
    """Run the oldest Redis that is supported, Debian 12's, where there is one."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server on the PATH (on Debian: apt-get install redis-tools)")
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    if f"v={OLDEST}." not in version.stdout:
        pytest.skip(f"the redis-server on the PATH is not {OLDEST}: {version.stdout.strip()}")
    with engine(binary, "--port", "0") as client:
        yield f"unix://{client.connection_pool.connection_kwargs['path']}", client


@pytest.fixture
def on_cluster(shared_cluster: tuple[str, BlockingRedis]) -> EngineWorld:
    """Return an empty Cluster of one node."""
    return emptied(*shared_cluster)


@pytest.fixture
def on_oldest_redis(shared_oldest_redis: tuple[str, BlockingRedis]) -> EngineWorld:
    """Return an empty Redis of the oldest supported version."""
    return emptied(*shared_oldest_redis)


@pytest.fixture
def on_valkey(redis_url: str) -> Iterator[EngineWorld]:
    """Return an empty Valkey, the one that the service ships."""
    with BlockingRedis.from_url(redis_url) as client:
        yield EngineWorld(redis_url, client)


def emptied(url: str, client: BlockingRedis) -> EngineWorld:
    """Return an engine without keys, scripts and users of an earlier test."""
    client.flushall()
    client.script_flush()
    return EngineWorld(url, client)


@pytest.fixture(params=["model", "valkey", "oldest_redis", "cluster"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Return empty counts, in the model and in every engine in turn."""
    if request.param == "model":
        yield ModelWorld()
        return
    engine: EngineWorld = request.getfixturevalue(f"on_{request.param}")
    yield engine
    for link in engine.links:
        await link.close()
