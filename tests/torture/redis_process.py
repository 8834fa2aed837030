"""A real Redis (or Valkey) process to kill, hang and set back to an older state.

The binary is the one that the service ships, or the one that `HANDBILL_TEST_REDIS` names.
"""

import asyncio
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.adapters.engine_program import find_engine, tied_to_parent
from tests.counted import free_port

BINARY = "HANDBILL_TEST_REDIS"
HOST = "127.0.0.1"
START_S = 10.0
POLL_S = 0.01
_BASE = ("--daemonize", "no", "--databases", "1", "--maxmemory-policy", "noeviction")


class Keeps(Enum):
    """What a killed process finds again: all it acknowledged, an older snapshot, nothing."""

    EVERYTHING = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
    SNAPSHOTS = ("--appendonly", "no", "--save", "1 1")  # each second, so a second is lost
    NOTHING = ("--appendonly", "no", "--save", "")


class RedisProcess:
    """One server over one directory, at one address over all its lives."""

    def __init__(self, directory: Path, keeps: Keeps, *flags: str, port: int = 0) -> None:
        self.directory = directory
        self._socket = directory / "r.sock"
        self.url = f"redis://{HOST}:{port}" if port else f"unix://{self._socket}"
        listening = (
            ("--port", str(port), "--bind", HOST)
            if port
            else ("--port", "0", "--unixsocket", str(self._socket))
        )
        where = ("--dir", str(directory))
        self._command = (*_BASE, *listening, *where, *keeps.value, *flags)
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """The process id of this life, 0 before the first."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Start it, for the first time or again, and wait until it has loaded and answers."""
        self._socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *tied_to_parent((str(binary()), *self._command)), stdout=DEVNULL
        )
        async with asyncio.timeout(START_S):
            while not await self.answers():
                if self._process.returncode is not None:
                    raise RuntimeError(f"the server ended with {self._process.returncode}")
                await asyncio.sleep(POLL_S)

    async def kill(self) -> None:
        """End it as a crash would, hung or not; nothing it had not written is left."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def restart(self) -> None:
        """Kill it and start it again over what it kept."""
        await self.kill()
        await self.start()

    def hang(self) -> None:
        """Stop it without ending it: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after `hang`."""
        self._signal(signal.SIGCONT)

    async def save(self) -> None:
        """Write a snapshot now."""
        await self.ask("SAVE")

    async def kept(self, to: Path) -> Path:
        """Copy what it keeps right now, as a backup does; bring it back by `set_back`."""
        return Path(await asyncio.to_thread(shutil.copytree, self.directory, to, ignore=_sockets))

    async def set_back(self, to: Path) -> None:
        """Kill it and start it over an older copy of what it kept."""
        await self.kill()
        await asyncio.to_thread(shutil.rmtree, self.directory)
        await asyncio.to_thread(shutil.copytree, to, self.directory)
        await self.start()

    async def ask(self, *command: Any) -> Any:
        """Send one command over a connection of its own; raises as the client does."""
        async with self.client() as client:
            return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # it has no types

    def client(self) -> Redis:
        """Return a client that repeats nothing by itself."""
        return Redis.from_url(
            self.url, decode_responses=True, retry=Retry(NoBackoff(), 0), socket_timeout=START_S
        )

    async def answers(self) -> bool:
        """Say whether it answers a command now."""
        with suppress(RedisError, OSError):
            return bool(await self.ask("PING"))
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@asynccontextmanager
async def redis_running(
    keeps: Keeps = Keeps.EVERYTHING, *flags: str, tcp: bool = False
) -> AsyncIterator[RedisProcess]:
    """Run a server in a temporary directory until the block ends; on a unix socket unless `tcp`."""
    with tempfile.TemporaryDirectory(prefix="hb-") as parent:  # a socket's path must be short
        directory = Path(parent) / "r"
        directory.mkdir()
        redis = RedisProcess(directory, keeps, *flags, port=free_port() if tcp else 0)
        try:
            await redis.start()
            yield redis
        finally:
            await redis.kill()


def binary() -> Path:
    """Return the server to test with."""
    given = os.environ.get(BINARY)
    return find_engine(Path(given) if given else None)


def _sockets(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".sock")]
