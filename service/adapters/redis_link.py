"""Clients of whatever Redis the address names, which never repeat a command by themselves.

A client that repeats what it got no answer to counts twice; whoever uses one settles doubt itself.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import ClusterDownError, NoScriptError

from service.adapters.redis_address import HERE, read_address
from service.adapters.redis_places import AWAY as AWAY
from service.adapters.redis_places import Address, Slots, ask_slots

_Reply = TypeVar("_Reply")


class RedisLink:
    """Lends the client of the server that holds a key; after an error the next use has another."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Take an address; raises `BadConfiguration` for an unusable one and talks to nobody."""
        self._connect, self._seeds = read_address(url, timeout_s)
        self._timeout_s = timeout_s
        self._clients: dict[Address, Redis] = {}
        self._borrowed: Counter[Redis] = Counter()
        self._slots: Slots | None = None
        self._doubted: set[Address] = set()  # owners that failed since slots were learned
        self._nodes: frozenset[Address] = frozenset(self._seeds)
        self._learning = asyncio.Lock()

    @asynccontextmanager
    async def borrow(self, key: str) -> AsyncIterator[Redis]:
        """Lend a client; whatever the block raises, no later use shares its connections."""
        cancellations = _cancellations()
        async with self._lent(await self._owner(key), cancellations) as client:
            yield client

    async def ask_all(self, question: Callable[[Redis], Awaitable[_Reply]]) -> list[_Reply]:
        """Return the answer of each server that holds data."""
        addresses = {*(self._slots or await self._learn()).owners} if self._seeds else {HERE}
        replies = []
        for address in sorted(addresses):
            async with self._lent(address, _cancellations()) as client:
                replies.append(await question(client))
        return replies

    @asynccontextmanager
    async def _lent(self, address: Address, cancellations: int) -> AsyncIterator[Redis]:
        client = self._client(address)
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

    async def _owner(self, key: str) -> Address:
        """Return who has a key; where that one failed, others' keys need not wait for the news."""
        if not self._seeds:
            return HERE
        owner = self._known(key)
        if owner is None:
            async with self._learning:
                owner = self._known(key) or (await self._learn()).owner(key)
        return owner

    def _known(self, key: str) -> Address | None:
        """Return the owner that was learned, None if it failed since or there was none."""
        with suppress(ClusterDownError):
            if self._slots is not None and (owner := self._slots.owner(key)) not in self._doubted:
                return owner
        return None

    async def _learn(self) -> Slots:
        async with asyncio.timeout(self._timeout_s):
            slots = await ask_slots([*self._nodes], self._connect)
        self._slots, self._nodes = slots, slots.nodes | {*self._seeds}
        self._doubted.clear()
        for address in self._clients.keys() - {*slots.owners}:
            await self._close_unused(self._clients.pop(address))
        return slots

    def _forget(self, client: Redis) -> None:
        failed = {at for at, one in self._clients.items() if one is client}
        self._doubted |= failed
        for address in failed:
            del self._clients[address]

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
