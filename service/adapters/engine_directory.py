"""Keeps an embedded engine's directory for one writer at a time; starts no process.

`service.lock` says that a running service uses the directory. `engine.lock` is inherited by the
engine, so the directory is free only when its last writer is gone, however its service ended.
"""

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from service.domain.errors import BadConfiguration, Problem

TAKE_OVER_S = 10.0  # for the engine of a killed service to write its last and end
POLL_S = 0.02
ASK_S = 1.0
RUN_PREFIX = "handbill-"


class EngineDirectory:
    """A directory held from `take` to `release`; the system drops both locks at any crash."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._service = -1
        self.engine_lock = -1

    async def take(self, socket: Path) -> None:
        """Hold the directory for an engine that will listen on `socket`.

        Waits for the engine of a service that was killed; raises `BadConfiguration` at once when
        another service runs on the directory.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._service = _open(self.path / "service.lock")
        if not _lock(self._service):
            owner = _read(self._service)
            self.release()
            raise _in_use(f"process {owner or 'unknown'} uses {self.path} with its own engine")
        _write(self._service, str(os.getpid()))
        self.engine_lock = _open(self.path / "engine.lock")
        await self._outlast(Path(_read(self.engine_lock)))
        _write(self.engine_lock, str(socket))

    def release(self) -> None:
        """Let the directory go; the engine's own share of its lock lasts as long as the engine."""
        for descriptor in (self.engine_lock, self._service):
            if descriptor >= 0:
                os.close(descriptor)
        self._service = self.engine_lock = -1

    async def _outlast(self, socket: Path) -> None:
        """Wait until the last engine is gone; ask it, where the system did not tell it to end."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + TAKE_OVER_S
        free = _lock(self.engine_lock)
        if not free:
            await ask(socket, b"SHUTDOWN\r\n")
        while not free and loop.time() < deadline:
            await asyncio.sleep(POLL_S)
            free = _lock(self.engine_lock)
        if not free:
            self.release()
            raise _in_use(f"the last engine on {self.path} has not ended")
        if socket.parent.name.startswith(RUN_PREFIX):
            remove_run_directory(socket)


def running_socket(directory: Path) -> Path | None:
    """Return the socket of the engine that runs on a directory, None where none does."""
    try:
        descriptor = os.open(directory / "engine.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _lock(descriptor) else Path(_read(descriptor))
    finally:
        os.close(descriptor)


async def ask(socket: Path, words: bytes) -> bytes:
    """Send one inline command and return the first line of its answer; nothing if none comes."""
    try:
        async with asyncio.timeout(ASK_S):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(words)
                return await reader.readline()
            finally:
                writer.close()
    except OSError:  # a TimeoutError is one too
        return b""


def remove_run_directory(socket: Path) -> None:
    """Remove the temporary directory of a socket, and nothing else that may lie there."""
    with suppress(OSError):
        socket.unlink(missing_ok=True)
        socket.parent.rmdir()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(descriptor: int) -> str:
    return os.pread(descriptor, 4_096, 0).decode(errors="replace").strip()


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _in_use(what: str) -> BadConfiguration:
    how = "stop it, give this one another --data, or give both one --redis-url"
    return BadConfiguration((Problem("settings", 0, "--data", f"{what}: {how}"),))
