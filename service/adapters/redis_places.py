"""Where the data are: which server the sentinels call master, which of a Cluster owns a slot.

Each question goes over a connection of its own, which is closed again.
"""

import random
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ClusterDownError, RedisError
from redis.exceptions import ConnectionError as NotThere

Address = tuple[str, int]
Connect = Callable[[Address], Redis]
AWAY = (RedisError, OSError)  # OSError has TimeoutError in it


class Sentinels:
    """The sentinels of one master, the one that answered last in front."""

    def __init__(self, addresses: Sequence[Address], name: str, connect: Connect) -> None:
        self._addresses = list(addresses)
        self._name = name
        self._connect = connect

    async def master(self) -> Address:
        """Return the master's address; raises `redis.ConnectionError` where nobody knows one."""
        question = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._name)
        said = []
        for address in tuple(self._addresses):
            try:
                found = await _answer(self._connect(address), *question)
            except AWAY as error:
                said.append(str(error))
                continue
            if found:
                self._addresses.sort(key=address.__ne__)
                return found[0].decode(), int(found[1])
            said.append(f"{address[0]}:{address[1]} knows no master called {self._name}")
        raise NotThere("; ".join(said))


class Slots(NamedTuple):
    """Who owns which slots of a Cluster, by ranges in order, and all nodes that were named."""

    lasts: Sequence[int]
    firsts: Sequence[int]
    owners: Sequence[Address]
    nodes: frozenset[Address]

    def owner(self, key: str) -> Address:
        """Return the address of the node that has a key; raises `redis.ClusterDownError`."""
        slot = key_slot(key.encode())
        at = bisect_left(self.lasts, slot)
        if at == len(self.lasts) or slot < self.firsts[at]:
            raise ClusterDownError(f"slot {slot} has no owner")
        return self.owners[at]


async def ask_slots(nodes: Sequence[Address], connect: Connect) -> Slots:
    """Return what the first node to answer says, asking in any order; raises as the last does."""
    *some, last = random.sample(nodes, len(nodes))
    for node in some:
        try:
            return await _slots(node, connect)
        except AWAY:
            continue
    return await _slots(last, connect)


async def _slots(node: Address, connect: Connect) -> Slots:
    reply = await _answer(connect(node), "CLUSTER", "SLOTS")
    ranges = sorted(
        (last, first, [((host or b"").decode() or node[0], port) for host, port, *_ in named])
        for first, last, *named in reply  # a node that does not know its own name says none
    )
    return Slots(
        [last for last, _, _ in ranges],
        [first for _, first, _ in ranges],
        [named[0] for _, _, named in ranges],
        frozenset(address for _, _, named in ranges for address in named),
    )


async def _answer(client: Redis, *question: str) -> Any:
    async with client:
        return await client.execute_command(*question)  # type: ignore[no-untyped-call]  # the library's
