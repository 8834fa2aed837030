"""Says what goes wrong in the event loop itself, in measure: a flood of it must not fill a disk."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from service.telemetry.logs import LogEvent

LINES_MAX, PER_S = 5, 10.0


class LoopErrors:
    """A loop's exception handler, which asyncio calls by the thousand when descriptors run out."""

    def __init__(self, log: LogEvent, steady: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._steady = steady
        self._until_s = 0.0
        self._left = 0
        self._unsaid = 0

    def __call__(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log what happened, or only count it while enough was said."""
        if self._steady() >= self._until_s:
            self._until_s, self._left = self._steady() + PER_S, LINES_MAX
        if not self._left:
            self._unsaid += 1
            return
        self._left -= 1
        unsaid, self._unsaid = self._unsaid, 0
        self._log.error(
            "event loop error",
            what=context.get("message"),
            unsaid=unsaid,
            exc_info=context.get("exception"),
        )
