"""Runs a real Valkey as a child on a unix socket and restarts it if it dies; opens no port.

Its data outlive it: an append-only file in one directory, which only one engine writes at a time.
"""

import asyncio
import os
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

from service.adapters.engine_directory import (
    RUN_PREFIX,
    EngineDirectory,
    ask,
    remove_run_directory,
)
from service.adapters.engine_program import find_engine, tied_to_parent, unusable
from service.domain.errors import BadConfiguration
from service.telemetry.logs import logger

SOCKET_PATH_MAX = 100  # bytes; the system's bound is 104 on macOS, 108 on Linux
START_S = 10.0
STOP_S = 10.0
POLL_S = 0.003
RESTART_S, RESTART_MAX_S = 0.1, 10.0
STEADY_S = 60.0  # an engine that ran this long starts the back-off anew
TAIL_LINES = 20

# Valkey 9 with an RDB preamble writes files that Redis 7 cannot read; without one, any can.
_FLAGS = (
    *("--port", "0", "--unixsocketperm", "700", "--daemonize", "no"),
    *("--appendonly", "yes", "--appendfsync", "everysec", "--aof-use-rdb-preamble", "no"),
    *("--save", "", "--maxmemory-policy", "noeviction"),
)


class EmbeddedEngine:
    """An engine over one directory; `start` and `stop` it once, from the main thread's loop."""

    def __init__(self, directory: Path, binary: Path | None = None) -> None:
        self._directory = EngineDirectory(directory)
        self._binary = binary
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._stopping = asyncio.Event()
        self._socket = Path()
        self._log = logger()

    @property
    def pid(self) -> int:
        """The engine's process id, 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def url(self) -> str:
        """The engine's address, the same over all restarts."""
        return f"unix://{self._socket}"

    async def start(self) -> str:
        """Return the engine's `unix://` address once it answers (or loads its file).

        Raises `BadConfiguration` when there is no engine, it does not start, or its directory is in
        use by another service.
        """
        self._binary = find_engine(self._binary)
        self._socket = _make_run_directory() / "engine.sock"
        try:
            await self._directory.take(self._socket)
            await self._launch()
        except BaseException:
            await self._end()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded engine")
        return self.url

    async def stop(self) -> None:
        """End the engine, its file written and synced, and let the directory go."""
        self._stopping.set()
        if self._supervisor is not None:
            self._terminate()
            await asyncio.wait((self._supervisor,), timeout=STOP_S)
            self._supervisor.cancel()
        await self._end()

    async def _supervise(self) -> None:
        delay_s = RESTART_S
        loop = asyncio.get_running_loop()
        while self._process is not None:
            started = loop.time()
            code = await self._process.wait()
            if self._stopping.is_set():
                return
            self._log.error("embedded engine ended", code=code, said=list(self._tail)[-3:])
            delay_s = RESTART_S if loop.time() - started > STEADY_S else delay_s
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)
                return
            delay_s = min(delay_s * 2, RESTART_MAX_S)
            try:
                await self._launch()
                self._log.info("embedded engine is back", pid=self.pid)
            except (BadConfiguration, OSError) as error:
                self._log.error("embedded engine does not start", reason=str(error))

    async def _launch(self) -> None:
        """Start the process and wait for its first answer."""
        self._tail.clear()
        self._process = process = await asyncio.create_subprocess_exec(
            *tied_to_parent(self._command()),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is for the service, which still needs its engine
            pass_fds=(self._directory.engine_lock,),
        )
        listening = asyncio.create_task(self._listen(process), name="embedded engine's words")
        try:
            await self._until_answering(process, listening)
        except BadConfiguration:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise

    def _command(self) -> tuple[str, ...]:
        socket, directory = str(self._socket), str(self._directory.path)
        return (str(self._binary), "--unixsocket", socket, "--dir", directory, *_FLAGS)

    async def _listen(self, process: Process) -> None:
        """Keep the engine's last lines: the reason, if it ends."""
        if process.stdout is not None:
            async for line in process.stdout:
                self._tail.append(line.decode(errors="replace").rstrip())

    async def _until_answering(self, process: Process, listening: asyncio.Task[None]) -> None:
        deadline = asyncio.get_running_loop().time() + START_S
        answer = b""
        while not answer.startswith(b"+PONG") and not self._stopping.is_set():
            if process.returncode is not None:
                await listening  # to its last line
                raise unusable(f"{self._binary} ended with {process.returncode}", self._tail)
            if asyncio.get_running_loop().time() > deadline:
                if answer.startswith(b"-LOADING"):
                    return  # a long file; the service serves meanwhile, as without Redis
                raise unusable(f"{self._binary} does not answer", self._tail)
            await asyncio.sleep(POLL_S)
            answer = await ask(self._socket, b"PING\r\n")

    def _terminate(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):  # gone, only not noticed yet
                self._process.terminate()

    async def _end(self) -> None:
        """Leave nothing behind: no process, no socket, no lock."""
        if self._process is not None:
            self._terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        remove_run_directory(self._socket)
        self._directory.release()


def _make_run_directory() -> Path:
    """Return a new directory that only this user enters, short enough for a socket's path."""
    default = tempfile.gettempdir()
    room = SOCKET_PATH_MAX - len(f"/{RUN_PREFIX}12345678/engine.sock")
    parent = default if len(os.fsencode(default)) <= room else "/tmp"  # noqa: S108  mode 0700 below
    return Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=parent))
