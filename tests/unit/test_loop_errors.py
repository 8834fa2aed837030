"""What the event loop complains of is said, but never so often that it fills a disk."""

import asyncio
import json

from structlog.testing import LogCapture

from service.app.loop_errors import LINES_MAX, PER_S, LoopErrors
from tests.fakes import StandingClock
from tests.journals import logging_to

NO_DESCRIPTORS = {
    "message": "socket.accept() out of system resource",
    "exception": OSError(24, "Too many open files"),
}


async def test_a_flood_is_a_few_lines_and_then_how_many_there_were() -> None:
    capture, clock = LogCapture(), StandingClock()
    loop, errors = asyncio.get_running_loop(), LoopErrors(logging_to(capture), clock)
    for _ in range(30_000):
        errors(loop, NO_DESCRIPTORS)
    assert len(capture.entries) == LINES_MAX
    clock.now += int(PER_S)
    errors(loop, NO_DESCRIPTORS)
    assert [entry["unsaid"] for entry in capture.entries] == [0] * LINES_MAX + [30_000 - LINES_MAX]


async def test_it_says_what_happened_and_why() -> None:
    capture = LogCapture()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(LoopErrors(logging_to(capture), StandingClock()))
    loop.call_soon(json.loads, "{")
    await asyncio.sleep(0)
    (entry,) = capture.entries
    assert "Exception in callback" in entry["what"]
    assert isinstance(entry["exc_info"], json.JSONDecodeError)
