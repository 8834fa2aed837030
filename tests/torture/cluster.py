"""A Cluster of three masters and three replicas, all real processes, and ways to take it apart.

A seventh node is a member without slots: where a Cluster grows, slots move to a node that no
client has heard of.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from service.adapters import redis_keys
from tests.torture.node import HOST, SECRET, FailOver, Server, free_ports, quiet, until

MASTERS = 3
_SERVERS = 2 * MASTERS + 1
_CONFIGURATION = """
cluster-enabled yes
cluster-node-timeout 1000
cluster-require-full-coverage no
cluster-replica-validity-factor 0
cluster-allow-replica-migration no
"""
_KEYS_AT_ONCE = 4
_MIGRATE_MS = 5_000


class Cluster:
    """The running processes; `url` is what the service is told."""

    def __init__(self, directory: Path) -> None:
        self.servers = [Server(directory, port, _CONFIGURATION) for port in free_ports(_SERVERS)]
        self.spare = self.servers[-1]
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.servers[:2])
        self.url = f"redis+cluster://:{SECRET}@{hosts}"
        self._ids: dict[Server, str] = {}

    async def start(self) -> None:
        """Start all, give each master a third of the slots and a replica, and wait for peace."""
        await asyncio.gather(*(node.start() for node in self.servers))
        first, *others = self.servers
        for epoch, node in enumerate(self.servers, 1):
            self._ids[node] = await node.ask("CLUSTER", "MYID")
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        for node in others:
            await first.ask("CLUSTER", "MEET", HOST, node.port)
        bounds = [REDIS_CLUSTER_HASH_SLOTS * n // MASTERS for n in range(MASTERS + 1)]
        for node, start, end in zip(self.servers, bounds, bounds[1:], strict=False):
            await node.ask("CLUSTER", "ADDSLOTSRANGE", start, end - 1)
        await until(quiet(self._acquainted), "all nodes know each other")
        for master, replica in zip(self.servers, self.servers[MASTERS:-1], strict=False):
            await replica.ask("CLUSTER", "REPLICATE", self._ids[master])
        await self.whole()

    async def stop(self) -> None:
        """End every process."""
        await asyncio.gather(*(node.kill() for node in self.servers))

    async def owner(self, shard: int) -> Server:
        """Return the node that owns a shard's slot, as soon as all nodes agree on one."""
        found: list[Server] = []

        async def agreed() -> bool:
            ports = {await _owner_port(node, slot_of(shard)) for node in self._running}
            found[:] = [node for node in self._running if node.port in ports]
            return len(ports) == len(found) == 1

        await until(quiet(agreed), f"all nodes agree on a living owner of shard {shard}")
        return found[0]

    async def replica_of(self, owner: Server) -> Server:
        """Return a node's replica."""
        for node in self._running:
            role, *rest = await node.ask("ROLE")
            if role == "slave" and rest[1] == owner.port:
                return node
        raise LookupError(f"node {owner.port} has no replica")

    async def cut_off(self, shard: int) -> Server:
        """Let no replica of a shard's owner hear of anything more, and return that owner."""
        owner = await self.owner(shard)
        await owner.cut_off_replicas()
        return owner

    async def fail_over(self, shard: int, owner: Server) -> FailOver:
        """Kill an owner that was cut off some events ago; return once its replica rules."""
        replica = await self.replica_of(owner)
        missing = await owner.counted() - await replica.counted()
        await owner.kill()
        return FailOver(await self._owned_by(shard, replica), missing)

    async def take_over(self, shard: int, owner: Server) -> FailOver:
        """Have the replica take the slots of an owner that lives and was cut off, asking nobody."""
        replica = await self.replica_of(owner)
        missing = await owner.counted() - await replica.counted()
        await replica.ask("CLUSTER", "FAILOVER", "TAKEOVER")
        seconds = await self._owned_by(shard, replica)
        await owner.let_replicas_in()
        await self.whole()
        return FailOver(seconds, missing)

    async def bring_back(self) -> None:
        """Start what was killed, empty; return once every master has its replica again."""
        await asyncio.gather(*(node.start() for node in self.servers if not node.running))
        await self.whole()

    async def move(self, shard: int, target: Server, *, pause_s: float) -> float:
        """Move a shard's slot, a few keys at a time with pauses between; return how long it took.

        Between the first key and the last no script that needs both kinds can run anywhere.
        """
        loop, slot = asyncio.get_running_loop(), slot_of(shard)
        source, began = await self.owner(shard), asyncio.get_running_loop().time()
        ids = self._ids[source], self._ids[target]
        await target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        await source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])
        while keys := await source.ask("CLUSTER", "GETKEYSINSLOT", slot, _KEYS_AT_ONCE):
            where = (HOST, target.port, "", 0, _MIGRATE_MS, "AUTH", SECRET)
            await source.ask("MIGRATE", *where, "KEYS", *keys)
            await asyncio.sleep(pause_s)
        await asyncio.sleep(pause_s)  # all keys are there, and the slot is still here
        masters = [node for node in self._running if await node.role() == "master"]
        for node in sorted(masters, key=[target, source].__contains__, reverse=True):
            await node.ask("CLUSTER", "SETSLOT", slot, "NODE", ids[1])
        await self._owned_by(shard, target)
        return loop.time() - began

    async def whole(self) -> None:
        """Wait until every slot has an owner, all agree, and every master has its replica."""
        await until(quiet(self._peaceful), "every master has its replica")
        for shard in range(0, 16, 5):
            await self.owner(shard)

    @property
    def _running(self) -> list[Server]:
        return [node for node in self.servers if node.running]

    async def _acquainted(self) -> bool:
        states = [await _info(node) for node in self.servers]
        return all(
            state["cluster_known_nodes"] == str(_SERVERS) and state["cluster_state"] == "ok"
            for state in states
        )

    async def _peaceful(self) -> bool:
        roles = [await node.ask("ROLE") for node in self.servers]
        following = [role for role in roles if role[0] == "slave" and role[3] == "connected"]
        texts = [await node.ask("CLUSTER", "NODES") for node in self.servers]
        return len(following) == MASTERS and not any("fail" in text for text in texts)

    async def _owned_by(self, shard: int, node: Server) -> float:
        async def owned() -> bool:
            ports = {await _owner_port(each, slot_of(shard)) for each in self._running}
            return ports == {node.port}

        return await until(quiet(owned), f"shard {shard} is owned by {node.port}")


@asynccontextmanager
async def cluster(directory: Path) -> AsyncIterator[Cluster]:
    """Run one until the block ends, whatever happened to it in between."""
    running = Cluster(directory)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


def slot_of(shard: int) -> int:
    """Return the slot of all of a shard's keys."""
    return key_slot(redis_keys.applied(shard).encode())


async def _owner_port(node: Server, slot: int) -> int:
    for first, last, owner, *_ in await node.ask("CLUSTER", "SLOTS"):
        if first <= slot <= last:
            return int(owner[1])
    return 0


async def _info(node: Server) -> dict[str, str]:
    text = await node.ask("CLUSTER", "INFO")
    return dict(line.split(":", 1) for line in text.split())
