"""The same counts in the model and in real engines, to be filled and looked at alike."""

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from redis import ConnectionError as NotThere
from redis import Redis as BlockingRedis

from service.adapters import redis_keys
from service.adapters.engine_program import tied_to_parent
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_keys import BITMAP, BOUNDS, HASH, SET, Bounds
from service.adapters.redis_link import RedisLink
from service.flows.ports import Applier
from tests.made import HOUR, ISSUER, SHARD
from tests.model_counts import ModelCounts
from tests.model_fold import A_STRANGERS, Content, Kept

APPLIED = redis_keys.applied(SHARD)
HOURS, DAYS = redis_keys.hour(SHARD, HOUR), redis_keys.day(SHARD, HOUR)
ARTICLES, PACE = redis_keys.articles(SHARD, HOUR), redis_keys.pace(SHARD, HOUR)
NAMES, SEEN = redis_keys.names(SHARD, HOUR), redis_keys.seen(SHARD, ISSUER, 0)
KNOWN = redis_keys.known(SHARD, "example", HOUR)
VIEW = "example|-|-|-|ios|-|-|view|-"
CLICK = "example|top|vital-signs|vs-text|ios|-|-|click|-"
START_S = 10.0
TIMEOUT_S = 5.0
_IN_MEMORY = ("--save", "", "--appendonly", "no")


class World(Protocol):
    """Counts, who folds into them, and a stranger's hand to spoil them."""

    def applier(self, bounds: Bounds = BOUNDS) -> Applier:
        """Return another sender of rows."""
        ...

    def kept(self) -> dict[str, Kept]:
        """Return every key that is there."""
        ...

    def put(self, key: str, name: str, text: str) -> None:
        """Write a field of a hash as somebody else might."""
        ...

    def put_other_type(self, key: str) -> None:
        """Have a key hold what no key of ours does."""
        ...


class ModelWorld:
    """Counts in dictionaries."""

    def __init__(self) -> None:
        self._model = ModelCounts()

    def applier(self, bounds: Bounds = BOUNDS) -> Applier:
        self._model.bounds = bounds
        return self._model

    def kept(self) -> dict[str, Kept]:
        return self._model.kept()

    def put(self, key: str, name: str, text: str) -> None:
        self._model.data.hashes.setdefault(key, {})[name] = text

    def put_other_type(self, key: str) -> None:
        data = self._model.data
        for held in (data.hashes, data.sets, data.bitmaps):
            held.pop(key, None)
        data.other.add(key)


class EngineWorld:
    """Counts in a real engine; `url` is how the service reaches it, `client` how we look at it."""

    def __init__(self, url: str, client: BlockingRedis) -> None:
        self.links: list[RedisLink] = []
        self.url = url
        self.client = client

    def applier(self, bounds: Bounds = BOUNDS) -> Applier:
        self.links.append(RedisLink(self.url, timeout_s=TIMEOUT_S))
        return RedisApplier(self.links[-1], bounds)

    def kept(self) -> dict[str, Kept]:
        names = sorted(key.decode() for key in self.client.scan_iter())
        return {name: Kept(self._content(name), self._life_s(name)) for name in names}

    def put(self, key: str, name: str, text: str) -> None:
        self.client.hset(key, name, text)

    def put_other_type(self, key: str) -> None:
        self.client.delete(key)
        self.client.rpush(key, "a list")

    def _content(self, key: str) -> Content:
        client: Any = self.client  # its replies have no useful types
        kind = client.type(key).decode()
        if kind == HASH:
            return {name.decode(): text.decode() for name, text in client.hgetall(key).items()}
        if kind == SET:
            return frozenset(member.decode() for member in client.smembers(key))
        if kind != BITMAP:
            return A_STRANGERS
        bits = "".join(f"{byte:08b}" for byte in client.get(key))
        return frozenset(at for at, bit in enumerate(bits) if bit == "1")

    def _life_s(self, key: str) -> int | None:
        """Return the whole minutes left, rounded up: what is left depends on the test's speed."""
        seconds = self.client.ttl(key)
        return None if seconds < 0 else -(-seconds // 60) * 60


@contextmanager
def engine(binary: str, *flags: str) -> Iterator[BlockingRedis]:
    """Run an engine in memory on a unix socket and yield a client that decodes nothing."""
    with tempfile.TemporaryDirectory(prefix="hb-") as directory:
        path = str(Path(directory) / "r.sock")
        command = (binary, *_IN_MEMORY, "--unixsocket", path, "--dir", directory, *flags)
        process = subprocess.Popen(tied_to_parent(command), stdout=subprocess.DEVNULL)
        try:
            with BlockingRedis(unix_socket_path=path) as client:
                _until_answering(client)
                yield client
        finally:
            process.terminate()
            process.wait(START_S)


def own_all_slots(client: BlockingRedis) -> None:
    """Make a Cluster of one node whole."""
    command: Any = client.execute_command
    command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
    deadline = time.monotonic() + START_S
    while b"cluster_state:ok" not in command("CLUSTER", "INFO"):
        assert time.monotonic() < deadline, "the cluster did not form"
        time.sleep(0.02)


def _until_answering(client: BlockingRedis) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            client.ping()
        except NotThere:
            assert time.monotonic() < deadline, "the engine did not answer"
            time.sleep(0.01)
        else:
            return


def held(world: World, key: str) -> Any:
    """Return what a key holds, nothing if it is not there."""
    return world.kept().get(key, Kept({}, None)).content


def verdicts(world: World, prefix: str = "") -> Counter[str]:
    """Return the day's counts by verdict, of fields that begin so."""
    sums: Counter[str] = Counter()
    for key, (content, _) in world.kept().items():
        if ":day:" in key and isinstance(content, dict):
            for name, text in content.items():
                if name.startswith(prefix):
                    sums[name.rpartition("|")[2]] += int(text)
    return sums
