"""A real service process for tests: started as a person would, killed as a crash would."""

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_S = 30.0
STOP_S = 30.0


@dataclass
class Serving:
    """A running service; `public` and `internal` are its addresses as it printed them."""

    process: Process
    public: str
    internal: str
    log: list[str] = field(default_factory=list)

    @property
    def logged(self) -> str:
        """Everything the service logged so far."""
        return "\n".join(self.log)

    def kill(self) -> None:
        """Crash it: nothing of it runs after this."""
        if self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> int:
        """Ask it to stop, as an orchestrator does, and return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), STOP_S)


@asynccontextmanager
async def serving(
    data: Path,
    *flags: str,
    config: Path = ROOT / "config",
    environ: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> AsyncIterator[Serving]:
    """Run `serve` on free ports of loopback over a data directory until the block ends.

    Without `--redis-url` among the flags it starts its own engine. `prefix` is put before the
    command, such as a shell that limits it.
    """
    async with launched(data, *flags, config=config, environ=environ, prefix=prefix) as starting:
        yield await announced(*starting)


@asynccontextmanager
async def launched(
    data: Path,
    *flags: str,
    config: Path = ROOT / "config",
    environ: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> AsyncIterator[tuple[Process, list[str]]]:
    """Start the same and do not wait for it; yield its process and what it logs."""
    inherited = {name: text for name, text in os.environ.items() if "HANDBILL" not in name}
    process = await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-m", "service", "serve", "--log", "json"),
        *("--config", str(config), "--data", str(data)),
        *("--public", "127.0.0.1:0", "--internal", "127.0.0.1:0", *flags),
        cwd=ROOT,
        env={**inherited, **(environ or {})},
        stdout=PIPE,
        stderr=PIPE,
    )
    log: list[str] = []
    listening = asyncio.create_task(_listen(process, log))
    try:
        yield process, log
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await listening


def copied_config(directory: Path) -> Path:
    """Return a copy of the example configuration that a test may edit."""
    return Path(shutil.copytree(ROOT / "config", directory / "config"))


async def _listen(process: Process, log: list[str]) -> None:
    if process.stderr is not None:
        async for line in process.stderr:
            log.append(line.decode(errors="replace").rstrip())  # noqa: PERF401  read while it grows


async def announced(process: Process, log: list[str]) -> Serving:
    """Wait until it says where it listens; raises `RuntimeError` if it ends before."""
    addresses: dict[str, str] = {}
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        while not {"public", "internal"} <= addresses.keys():
            line = (await process.stdout.readline()).decode()
            if not line:
                await process.wait()
                raise RuntimeError(f"the service ended with {process.returncode}: {log[-20:]}")
            name, _, address = line.strip().partition(" ")
            addresses[name] = address
    return Serving(process, addresses["public"], addresses["internal"], log)
