"""Three sentinels over one master and two replicas, all real processes, and ways to lose a master.

Whoever is cut off before its death has writes that the next master lacks. In a split brain the
master lives on and takes writes, but neither replicas nor sentinels reach it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.torture.node import HOST, SECRET, FailOver, Node, Server, free_ports, quiet, until

NAME = "handbill"
SENTINELS, SERVERS = 3, 3
GONE = 1  # a port where the first of the sentinels that the service is told never answers
# Sentinels come as a user of their own, too: switched off, they take the server for dead.
WATCHMAN = "watchman"
_WATCHMAN = f"user {WATCHMAN} on >{SECRET} allkeys allchannels allcommands"
_WATCH = """
bind {host}
sentinel monitor {name} {host} {port} 2
sentinel auth-user {name} {user}
sentinel auth-pass {name} {secret}
sentinel down-after-milliseconds {name} 1000
sentinel failover-timeout {name} 4000
sentinel parallel-syncs {name} 2
"""


class Sentinels:
    """The running processes; `url` is what the service is told."""

    def __init__(self, directory: Path) -> None:
        ports = free_ports(SENTINELS + SERVERS)
        self.servers = [Server(directory, port, _WATCHMAN) for port in ports[:SERVERS]]
        watch = _WATCH.format(host=HOST, name=NAME, port=ports[0], user=WATCHMAN, secret=SECRET)
        self.sentinels = [Node(directory, port, watch, "--sentinel") for port in ports[SERVERS:]]
        hosts = ",".join(f"{HOST}:{port}" for port in (GONE, *ports[SERVERS:]))
        self.url = f"redis+sentinel://:{SECRET}@{hosts}/{NAME}"

    async def start(self) -> None:
        """Start all and wait until each sentinel knows the others and both replicas."""
        await asyncio.gather(*(node.start() for node in self.servers))
        for replica in self.servers[1:]:
            await replica.ask("REPLICAOF", HOST, self.servers[0].port)
        await asyncio.gather(*(node.start() for node in self.sentinels))
        await self.whole()

    async def stop(self) -> None:
        """End every process."""
        await asyncio.gather(*(node.kill() for node in (*self.sentinels, *self.servers)))

    async def master(self) -> Server:
        """Return the master that all sentinels name and that is one in its own eyes."""
        found: list[Server] = []

        async def named() -> bool:
            found[:] = [node for node in self.servers if node.port in await self._named()]
            return len(found) == 1 and found[0].running and await found[0].role() == "master"

        await until(quiet(named), "the sentinels agree on a living master")
        return found[0]

    async def cut_off(self) -> Server:
        """Let no replica hear of anything more, and return the master."""
        master = await self.master()
        await master.cut_off_replicas()
        return master

    async def fail_over(self, master: Server) -> FailOver:
        """Kill a master that was cut off some events ago; return once another rules."""
        held = await master.counted()
        others = [node for node in self.servers if node is not master and node.running]
        had = {node.port: await node.counted() for node in others}
        await master.kill()
        seconds = await self._replaced(master)
        return FailOver(seconds, held - had[(await self.master()).port])

    async def split(self) -> tuple[Server, float]:
        """Let neither replicas nor sentinels reach the master, which lives on and takes writes.

        Returns it once another rules beside it, and how long that took.
        """
        old = await self.cut_off()
        await old.ask("ACL", "SETUSER", WATCHMAN, "off")
        await old.ask("CLIENT", "KILL", "USER", WATCHMAN)
        return old, await self._replaced(old)

    async def heal(self, old: Server) -> None:
        """Let all reach the old master again; return once it follows the new one."""
        await old.let_replicas_in()
        await old.ask("ACL", "SETUSER", WATCHMAN, "on")
        await self.whole()

    async def bring_back(self) -> None:
        """Start what was killed, empty and masters all; return once they follow the true one."""
        await asyncio.gather(*(node.start() for node in self.servers if not node.running))
        await self.whole()

    async def whole(self) -> None:
        """Wait until all sentinels know each other and one master, whom all others follow.

        Which one may change meanwhile: two sentinels can each have made one, and the later wins.
        """
        await until(quiet(self._agreed), "all agree on a master and follow it")

    async def _replaced(self, old: Server) -> float:
        async def replaced() -> bool:
            named = await self._named()
            if len(named) != 1 or old.port in named:
                return False
            return any([await n.role() == "master" for n in self.servers if n.port in named])

        return await until(quiet(replaced), "the sentinels make another master")

    async def _named(self) -> set[int]:
        """Return the ports of masters that the sentinels name, one if they agree."""
        named = set()
        for sentinel in self.sentinels:
            _, port = await sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
            named.add(int(port))
        return named

    async def _agreed(self) -> bool:
        named = await self._named()
        if len(named) != 1 or not all(
            [await node.follows(*named) for node in self.servers if node.port not in named]
        ):
            return False
        for sentinel in self.sentinels:
            state = await sentinel.ask("SENTINEL", "MASTER", NAME)
            replicas = await sentinel.ask("SENTINEL", "REPLICAS", NAME)
            healthy = [one for one in replicas if _flags(one) == {"slave"}]
            known = int(state["num-other-sentinels"]) == SENTINELS - 1
            if not known or len(healthy) != SERVERS - 1 or _flags(state) != {"master"}:
                return False
        return True


@asynccontextmanager
async def sentinels(directory: Path) -> AsyncIterator[Sentinels]:
    """Run them until the block ends, whatever happened to them in between."""
    running = Sentinels(directory)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


def _flags(fields: Mapping[str, Any]) -> set[str]:
    return set(str(fields["flags"]).split(","))
