"""What runs beside the requests ends when it is told to, also where it did not hear it at first."""

import asyncio
from contextlib import suppress

import pytest

from service.app import house


async def deaf(times: int) -> None:
    """Go on after a cancellation, as who waits with a `wait_for` that is just done."""
    for _ in range(times):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
    await asyncio.sleep(3_600)


async def test_a_part_that_drops_a_cancellation_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(house, "CANCEL_AGAIN_S", 0.01)
    tasks = [asyncio.create_task(deaf(times)) for times in range(3)]
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await house.ended(tasks)
    assert all(task.cancelled() for task in tasks)
