"""Runs a coroutine in no time: the loop's clock jumps to whatever is waited for next."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from selectors import DefaultSelector, SelectorKey
from typing import ParamSpec

_P = ParamSpec("_P")


def in_no_time(test: Callable[_P, Coroutine[None, None, None]]) -> Callable[_P, None]:
    """Have an asynchronous test run on a loop of its own whose hours pass at once."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def now_s() -> float:
    """Return the running loop's time."""
    return asyncio.get_running_loop().time()


class _JumpingSelector(DefaultSelector):
    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will ever happen")
        self.passed_s += timeout
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.passed_s
