"""What aiohttp costs by itself: canned answers on uvloop, no middleware, no access log, no thought.

The best that a service on this framework could do with the same requests.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import uvloop
from aiohttp import web

START_S = 10.0
BODY = b'{"canned": "' + b"-" * (1_000 - 14) + b'"}'
LOCATION = "https://play.google.com/store/apps/details?id=example.vitalsigns"


@dataclass(frozen=True, slots=True)
class Baseline:
    """A running baseline: its address and its process."""

    public: str
    pid: int


@asynccontextmanager
async def baseline(prefix: Sequence[str]) -> AsyncIterator[Baseline]:
    """Run the baseline in a process of its own until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(*prefix, sys.executable, "-m", "tests.bench.baseline"), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await process.stdout.readline()
        yield Baseline(line.decode().strip(), process.pid)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def get(_: web.Request) -> web.Response:
    """Answer 1 kB that was there before."""
    return web.Response(body=BODY, content_type="application/json")


async def post(request: web.Request) -> web.Response:
    """Read the body and forget it."""
    await request.read()
    return web.Response(status=204)


async def redirect(_: web.Request) -> web.Response:
    """Send everybody to the same place."""
    return web.Response(status=302, headers={"Location": LOCATION})


async def serve() -> None:
    """Print the address, then answer until killed."""
    app = web.Application()
    app.router.add_get("/v1/decision", get)
    app.router.add_post("/v1/events", post)
    app.router.add_get("/c/{token}/{placement}", redirect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1_024).start()
    host, port = runner.addresses[0]
    sys.stdout.write(f"http://{host}:{port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
