"""Clients of whatever Redis the address names, which never repeat a command by themselves.

A client that repeats what it got no answer to counts twice; whoever uses one settles doubt itself.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from service.adapters.redis_places import AWAY as AWAY
from service.adapters.redis_places import (
    Address,
    Connect,
    MasterConnection,
    Sentinels,
    Slots,
    ask_slots,
)
from service.domain.errors import BadConfiguration, Problem

CONNECTIONS = 16  # to each server
_PORT, _SENTINEL_PORT = 6379, 26379
_HERE: Address = ("", 0)  # of the one server, where there is one


class RedisLink:
    """Lends the client of the server that holds a key; after an error the next use has another."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Take an address; raises `BadConfiguration` for an unusable one and talks to nobody."""
        self._connect, self._seeds = _read(url, timeout_s)
        self._timeout_s = timeout_s
        self._clients: dict[Address, Redis] = {}
        self._borrowed: Counter[Redis] = Counter()
        self._slots: Slots | None = None
        self._nodes: frozenset[Address] = frozenset(self._seeds)
        self._learning = asyncio.Lock()

    @asynccontextmanager
    async def borrow(self, key: str) -> AsyncIterator[Redis]:
        """Lend a client; whatever the block raises, no later use shares its connections."""
        cancellations = _cancellations()
        client = self._client((await self._owners()).owner(key) if self._seeds else _HERE)
        self._borrowed[client] += 1
        try:
            yield client
        except NoScriptError:  # an answer like any other
            raise
        except BaseException:
            self._forget(client)
            raise
        finally:
            self._borrowed[client] -= 1
            await self._close_unused(client)
            if _cancellations() > cancellations:  # the client's `wait_for` may have dropped one
                raise asyncio.CancelledError

    async def servers(self) -> Sequence[Redis]:
        """Return a client of each server that holds data, good until the next error."""
        addresses = {*(await self._owners()).owners} if self._seeds else {_HERE}
        return [self._client(address) for address in sorted(addresses)]

    async def close(self) -> None:
        """Close all connections, those in use once they are given back."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await self._close_unused(client)

    def _client(self, address: Address) -> Redis:
        client = self._clients.get(address)
        if client is None:
            client = self._clients[address] = self._connect(address)
        return client

    async def _owners(self) -> Slots:
        async with self._learning:
            slots = self._slots
            if slots is None:
                async with asyncio.timeout(self._timeout_s):
                    slots = await ask_slots([*self._nodes], self._connect)
                self._slots, self._nodes = slots, slots.nodes | {*self._seeds}
                for address in self._clients.keys() - {*slots.owners}:
                    await self._close_unused(self._clients.pop(address))
            return slots

    def _forget(self, client: Redis) -> None:
        self._slots = None
        self._clients = {at: one for at, one in self._clients.items() if one is not client}

    async def _close_unused(self, client: Redis) -> None:
        """Close a client that nobody has and nobody will get."""
        if not self._borrowed[client] and client not in self._clients.values():
            del self._borrowed[client]
            await asyncio.shield(_closed(client))  # whole, even if we are cancelled


async def _closed(client: Redis) -> None:
    with suppress(*AWAY):
        await client.aclose()


def _cancellations() -> int:
    """Return how often this task was cancelled; before Python 3.13 a task group adds to it."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _read(url: str, timeout_s: float) -> tuple[Connect, Sequence[Address]]:
    """Return what makes clients, and a Cluster's nodes where it is one."""
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": False,
    }
    try:
        parts = urlsplit(url)
        if parts.fragment or (parts.scheme == "unix" and not parts.path):
            raise ValueError  # a password with a # or a ? in it, as far as one can tell
        if parts.scheme == "redis+sentinel":
            return _sentinel(parts, options), ()
        if parts.scheme == "redis+cluster":
            connect = partial(_node, options | _credentials(parts))
            return connect, _hosts(parts, _PORT)
        _single(url, options, _HERE)  # a bad address is said at once
        return partial(_single, url, options), ()
    except (ValueError, RedisError):  # whose own words may show a password
        what = "write it as scheme://user:password@host:port, with %23, %2F, %3F for #, /, ?"
        raise _bad(what) from None


def _single(url: str, options: dict[str, Any], _: Address) -> Redis:
    """`redis://`, `rediss://` or `unix://`; what its query says gives way to our options."""
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=options["socket_timeout"]
    )
    pool.connection_kwargs.update(options)
    return Redis.from_pool(pool)


def _pooled(options: dict[str, Any]) -> Redis:
    timeout_s = options["socket_timeout"]
    pool = BlockingConnectionPool(max_connections=CONNECTIONS, timeout=timeout_s, **options)
    return Redis.from_pool(pool)


def _node(options: dict[str, Any], address: Address) -> Redis:
    """Return the client of one node of `redis+cluster://[user:password@]host:port,…`."""
    return _pooled({"host": address[0], "port": address[1], **options})


def _sentinel(parts: SplitResult, options: dict[str, Any]) -> Connect:
    """`redis+sentinel://[user:password@]host:port,…/name[/db][?sentinel_password=…]`."""
    name, _, database = parts.path.strip("/").partition("/")
    if not name:
        raise _bad("name the master after the sentinels: redis+sentinel://host:port/name")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    connect = partial(_node, options | {"password": query.get("sentinel_password")})
    sentinels = Sentinels(_hosts(parts, _SENTINEL_PORT), name, connect)
    found = {"connection_class": MasterConnection, "sentinels": sentinels}
    pooled = options | found | {"db": int(database or 0)} | _credentials(parts)
    return lambda _: _pooled(pooled)


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user), "password": unquote(password) if colon else ""}
    return {name: text for name, text in found.items() if text}


def _hosts(parts: SplitResult, port: int) -> list[Address]:
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        address = urlsplit(f"//{text}")
        if not address.hostname:
            raise _bad("list the hosts as host:port, with commas between")
        hosts.append((address.hostname, address.port or port))
    return hosts


def _bad(what: str) -> BadConfiguration:
    return BadConfiguration((Problem("settings", 0, "--redis-url", what),))
