"""Notices a changed configuration and hands on the new catalogue, or why there is none.

All or nothing: a faulty change is reported and the catalogue in use stays. The operating system's
notices only wake the watch early; what decides is the files' stamps, looked at every second. So a
lost notice, a network file system or a swapped symbolic link costs a second and nothing else; where
thousands of files take long to look at, many: looking takes no more than a 400th of a core.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from watchfiles import awatch

from service.adapters.catalog import CatalogFiles
from service.adapters.catalog_looks import Stamp, stamp
from service.domain.catalog import Catalog
from service.domain.errors import BadConfiguration, Problem
from service.telemetry.logs import logger

OnChange = Callable[[Catalog | BadConfiguration, tuple[Problem, ...]], Awaitable[None]]
"""Take the new catalogue with its warnings, or the reason why the old one stays (all problems)."""

LOOK_EVERY_S = 1.0
_REST = 400  # times as long as a look took, before the next that no notice asks for
_SETTLE_S = 0.1  # an editor or a checkout writes several files: wait until two looks agree
_SETTLE_LOOKS = 6
_BACK_OFF_S = (1.0, 30.0)


async def watch_catalog(
    files: CatalogFiles, on_change: OnChange, *, version: str = "", polling: bool = False
) -> None:
    """Call `on_change` for every change of what the directory says; runs until cancelled.

    `version` is the catalogue's in use: a first look tells what changed since it was read; files
    that look as when they were last loaded are not read again. A touch
    that changes no byte, or a fault already reported, is not reported again. With `polling` no
    notices are asked of the operating system. A change is handed on within 2 s plus the time to
    load it. `on_change` runs on the event loop.
    """
    woken = asyncio.Event()
    watch = _Watch(files, on_change, version)
    notices = None if polling else asyncio.create_task(_notice(files.directory, woken))
    try:
        while True:
            await watch.look()
            rest_s = LOOK_EVERY_S if polling else max(LOOK_EVERY_S, _REST * watch.look_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), rest_s)
            woken.clear()
    finally:
        if notices is not None:
            notices.cancel()
            await asyncio.gather(notices, return_exceptions=True)


class _Watch:
    """Remembers what was last seen and last told."""

    def __init__(self, files: CatalogFiles, on_change: OnChange, version: str) -> None:
        self._files = files
        self._on_change = on_change
        self._seen = files.stamp
        self.look_s = 0.0
        self._told: str | tuple[Problem, ...] = version
        self._failures = 0

    async def look(self) -> None:
        """Load and tell if the files changed; a failure of this code is logged, never fatal."""
        try:
            now = await asyncio.to_thread(self._stamp)
            if now == self._seen:
                return
            now = await self._settled(now)
            await self._load(now)
            self._seen, self._failures = now, 0
        except Exception:  # noqa: BLE001 - supervised: a later look tries again
            shortest, longest = _BACK_OFF_S
            delay = min(shortest * 2 ** min(self._failures, 8), longest)
            self._failures += 1
            logger().exception(
                "configuration could not be looked at",
                directory=str(self._files.directory),
                again_in_s=delay,
            )
            await asyncio.sleep(delay)

    def _stamp(self) -> Stamp:
        began = time.thread_time()
        now = stamp(self._files.directory)
        self.look_s = time.thread_time() - began
        return now

    async def _settled(self, now: Stamp) -> Stamp:
        for _ in range(_SETTLE_LOOKS):
            await asyncio.sleep(_SETTLE_S)
            before, now = now, await asyncio.to_thread(self._stamp)
            if now == before:
                break
        return now

    async def _load(self, seen: Stamp) -> None:
        try:
            catalog, warnings = await asyncio.to_thread(partial(self._files.load, seen=seen))
        except BadConfiguration as error:
            if error.problems != self._told:
                await self._on_change(error, ())
                self._told = error.problems
            return
        if catalog.version != self._told:
            await self._on_change(catalog, warnings)
            self._told = catalog.version


async def _notice(directory: Path, woken: asyncio.Event) -> None:
    """Set `woken` at every notice of the operating system; restarts itself with back-off."""
    shortest, longest = _BACK_OFF_S
    delay = shortest
    while True:
        try:
            async for _ in awatch(directory, watch_filter=None, debounce=200, step=50):
                woken.set()
                delay = shortest
        except (OSError, RuntimeError) as error:  # gone, too many watches, or its own failure
            logger().warning(
                "no notices of changed files, looking every second instead",
                directory=str(directory),
                error=str(error),
                again_in_s=delay,
            )
        await asyncio.sleep(delay)
        delay = min(2 * delay, longest)
