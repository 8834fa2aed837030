"""Clients of whatever Redis the address names, which never repeat a command by themselves.

A client that repeats what it got no answer to counts twice; whoever uses one settles doubt itself.
"""

from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from service.domain.errors import BadConfiguration, Problem

Client = Redis | RedisCluster
CONNECTIONS = 16
# A Cluster without reachable nodes raises what is no RedisError; OSError has TimeoutError in it.
AWAY = (RedisError, RedisClusterException, OSError)
_PORT, _SENTINEL_PORT = 6379, 26379


class RedisLink:
    """One client at a time; `drop` it on any doubt, and the next use makes another."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._client: Client | None = None
        connect(url, timeout_s=timeout_s)  # a bad address is said at once; nothing is sent

    @property
    def client(self) -> Client:
        """The client of the moment."""
        if self._client is None:
            self._client = connect(self._url, timeout_s=self._timeout_s)
        return self._client

    async def drop(self, client: Client) -> None:
        """Close a client's connections, unless another has already taken its place."""
        if client is self._client:
            self._client = None
            with suppress(*AWAY):
                await client.aclose()

    async def close(self) -> None:
        """Close for good."""
        if self._client is not None:
            await self.drop(self._client)


def connect(url: str, *, timeout_s: float) -> Client:
    """Return a client; talks to nobody yet. Raises `BadConfiguration` for an unusable address."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "redis+sentinel":
            return _sentinel(parts, timeout_s)
        if parts.scheme == "redis+cluster":
            return _cluster(parts, timeout_s)
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=timeout_s, **_options(timeout_s)
        )
        return Redis.from_pool(pool)
    except (ValueError, RedisError) as error:
        raise _bad(str(error)) from None


def _sentinel(parts: SplitResult, timeout_s: float) -> Redis:
    """`redis+sentinel://[user:password@]host:port,…/name[/db][?sentinel_password=…]`."""
    name, _, database = parts.path.strip("/").partition("/")
    if not name:
        raise ValueError("name the master after the sentinels: redis+sentinel://host:port/name")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    secrets = {"password": query["sentinel_password"]} if "sentinel_password" in query else {}
    times = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    hosts = _hosts(parts, _SENTINEL_PORT)
    sentinel = Sentinel(hosts, sentinel_kwargs={**times, **secrets})  # type: ignore[no-untyped-call]  # it has no types
    master: Redis = sentinel.master_for(
        name,
        db=int(database or 0),
        max_connections=CONNECTIONS,
        **_options(timeout_s),
        **_credentials(parts),
    )
    return master


def _cluster(parts: SplitResult, timeout_s: float) -> RedisCluster:
    """`redis+cluster://[user:password@]host:port,…`."""
    nodes = [ClusterNode(host, port) for host, port in _hosts(parts, _PORT)]
    return RedisCluster(startup_nodes=nodes, **_options(timeout_s), **_credentials(parts))


def _options(timeout_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
    }


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user), "password": unquote(password) if colon else ""}
    return {name: text for name, text in found.items() if text}


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        address = urlsplit(f"//{text}")
        if not address.hostname:
            raise ValueError("list the hosts as host:port, with commas between")
        hosts.append((address.hostname, address.port or port))
    return hosts


def _bad(what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--redis-url", what),))
