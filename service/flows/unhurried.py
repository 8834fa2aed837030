"""Long work in a thread beside requests: a slice, then a rest; changes neither items nor order.

A thread that never rests has the event loop wait for the interpreter at each of its callbacks, a
switch interval each time. In the main thread, at a start or in a command, nobody waits: no rests.
"""

import time
from collections.abc import Iterable, Iterator
from threading import current_thread, main_thread
from typing import TypeVar

SLICE_S = 0.000_25
REST_S = 0.000_5  # twice as long: who waits meanwhile waits half as long again
_Item = TypeVar("_Item")


def unhurried(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield the items, resting between two whenever a slice is over."""
    if current_thread() is main_thread():
        yield from items
        return
    until = time.perf_counter() + SLICE_S
    for item in items:
        yield item
        if time.perf_counter() >= until:
            time.sleep(REST_S)
            until = time.perf_counter() + SLICE_S
