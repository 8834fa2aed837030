"""One real server process on loopback that tests kill, hang, cut off and start again."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.adapters.engine_program import find_engine, tied_to_parent
from service.domain.errors import BadConfiguration
from service.domain.events import Verdict

HOST = "127.0.0.1"
ASK_S = 2.0
WAIT_S = 60.0  # sentinels that were short of time do nothing for half a minute
POLL_S = 0.02
_PORTS = range(10_000, 22_000)  # below those that the system gives to clients, bus ports too
_BUS = 10_000
SECRET = "open-sesame"
# Replicas come as a user of their own: switching it off cuts them off and nobody else.
REPLICA = "replica"
_CONFIGURATION = f"""
bind {HOST}
save ""
appendonly no
repl-diskless-sync-delay 0
repl-ping-replica-period 1
user default on >{SECRET} allkeys allchannels allcommands
user {REPLICA} on >{SECRET} allkeys allchannels allcommands
masteruser {REPLICA}
masterauth {SECRET}
"""


@dataclass(frozen=True, slots=True)
class FailOver:
    """How long it took from the kill, and how many counted events the new master lacked."""

    seconds: float
    missing: int


class Node:
    """A server on a port of its own; its configuration file is its own to rewrite."""

    secret: str | None = None

    def __init__(self, directory: Path, port: int, configuration: str, *flags: str) -> None:
        self.port = port
        self._flags = flags
        self._directory = directory / str(port)
        self._directory.mkdir(parents=True)
        self._file = self._directory / "node.conf"
        self._file.write_text(f"port {port}\ndir {self._directory}\n{configuration}")
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        """Whether its process lives, be it hung or not."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it, for the first time or again, and wait until it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *tied_to_parent((str(engine()), str(self._file), *self._flags)), stdout=DEVNULL
        )
        await until(self.answers, f"node {self.port} answers")

    async def kill(self) -> None:
        """End it as a crash would, hung or not; does nothing twice."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def hang(self) -> None:
        """Stop it without ending it: its connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after `hang`."""
        self._signal(signal.SIGCONT)

    async def ask(self, *command: Any) -> Any:
        """Send one command over a connection of its own; raises as the client does."""
        async with self._client() as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library's

    async def answers(self) -> bool:
        """Say whether it answers a command now."""
        assert self._process is not None
        if self._process.returncode is not None:
            raise RuntimeError(f"node {self.port} ended with {self._process.returncode}")
        with suppress(RedisError, OSError):
            return bool(await self.ask("PING"))
        return False

    def _client(self) -> Redis:
        return Redis(
            host=HOST, port=self.port, password=self.secret, decode_responses=True,
            socket_timeout=ASK_S, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)


class Server(Node):
    """A data node, in memory only: killed, it comes back empty. Its default user has `SECRET`."""

    secret = SECRET

    def __init__(self, directory: Path, port: int, *more: str) -> None:
        super().__init__(directory, port, _CONFIGURATION + "\n".join(more))

    async def role(self) -> str:
        """Return `master` or `slave`, as it says itself."""
        return str((await self.ask("ROLE"))[0])

    async def follows(self, port: int) -> bool:
        """Say whether it is a replica of that port and has all of its data."""
        with suppress(RedisError, OSError):
            role, *rest = await self.ask("ROLE")
            return bool(role == "slave" and rest[1] == port and rest[2] == "connected")
        return False

    async def cut_off_replicas(self) -> None:
        """Let no replica hear of anything more; readers and writers notice nothing."""
        await self.ask("ACL", "SETUSER", REPLICA, "off")
        await self.ask("CLIENT", "KILL", "USER", REPLICA)

    async def let_replicas_in(self) -> None:
        """Undo `cut_off_replicas`."""
        await self.ask("ACL", "SETUSER", REPLICA, "on")

    async def counted(self) -> int:
        """Return how many events this node has counted as valid, its own hours added up."""
        async with self._client() as client:
            keys = [key async for key in client.scan_iter("hb:*:hour:*", 1_000)]
            pipeline = client.pipeline(transaction=False)
            pipeline.execute_command("READONLY")  # else a Cluster's replica sends readers away
            for key in keys:
                pipeline.hgetall(key)
            _, *hours = await pipeline.execute(raise_on_error=False)
        counts = [count for hour in hours for count in hour.items()]
        return sum(int(count) for name, count in counts if name.endswith(f"|{Verdict.VALID}"))


def engine() -> Path:
    """Return the server's binary, which can be a sentinel too; skips where there is none."""
    try:
        return find_engine(None)
    except BadConfiguration as none:
        pytest.skip(f"needs a Redis or Valkey server to start several of: {none}")


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that are free now, as are the cluster bus's ports above them."""
    found: list[int] = []
    start = os.getpid() * 64 % len(_PORTS)
    with ExitStack() as held:
        for port in (*_PORTS[start:], *_PORTS[:start]):
            with suppress(OSError):
                for number in (port, port + _BUS):
                    held.enter_context(socket.socket()).bind((HOST, number))
                found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"there are no {count} pairs of free ports")


async def until(
    true: Callable[[], Awaitable[bool]], what: str, *, within_s: float = WAIT_S
) -> float:
    """Wait until something is so and return how many seconds it took; never for ever."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not await true():
        if loop.time() - started > within_s:
            raise TimeoutError(f"not within {within_s:.0f} s: {what}")
        await asyncio.sleep(POLL_S)
    return loop.time() - started


def quiet(true: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """Return the same question, answered no while whom it asks does not answer."""

    async def asked() -> bool:
        with suppress(RedisError, OSError):
            return await true()
        return False

    return asked
