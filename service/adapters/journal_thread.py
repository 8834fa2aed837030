"""The one thread that touches a journal's files; knows nothing of them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

_T = TypeVar("_T")


class JournalThread:
    """Runs work in the order in which it is given.

    A plain queue takes two thirds of the processor time of an executor; and the thread is a
    daemon, so that a disk that hangs does not keep the process from ending.
    """

    def __init__(self) -> None:
        self._queue: SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None]
        self._queue = SimpleQueue()
        self._stopped = False
        Thread(target=self._work, name="journal", daemon=True).start()

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run work in the thread and return what it returns, or raise what it raises."""
        if self._stopped:
            raise RuntimeError("the journal is closed")
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        return await future

    def stop(self) -> None:
        """Let the thread end once all is done that was given; take nothing more."""
        self._stopped = True
        self._queue.put(None)

    def _work(self) -> None:
        while (given := self._queue.get()) is not None:
            work, future = given
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001  it is raised where it is awaited
                error = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            del given, work, future, result, error  # the next wait may be long


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # whoever waited was cancelled
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
