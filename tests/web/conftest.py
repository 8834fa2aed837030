"""One real service process of two sites for all tests of the HTTP contract."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest

from service.adapters.engine_program import tied_to_parent
from tests.serving import serving
from tests.web.houses import PUBLIC_URL, House, two_sites
from tests.web.wire import Wire

_T = TypeVar("_T")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run a service with its own engine until the last test is done; tests count differences."""
    directory = tmp_path_factory.mktemp("house")
    with kept_house(directory, config=two_sites(directory)) as house:
        yield house


@contextmanager
def kept_house(directory: Path, *flags: str, config: Path) -> Iterator[House]:
    """Run a service of a configuration beside tests that have loops of their own."""
    with _loop() as run:
        opened = open_house(directory, *flags, config=config)
        yield run(opened.__aenter__())
        run(opened.__aexit__(None, None, None))


@asynccontextmanager
async def open_house(
    directory: Path, *flags: str, config: Path | None = None
) -> AsyncIterator[House]:
    """Run a service over a directory, of two sites unless it is given a configuration."""
    config, data = config or two_sites(directory), directory / "data"
    flags = ("--public-url", PUBLIC_URL, "--no-demo", *flags)
    # A killed test run leaves no service behind.
    async with serving(data, *flags, config=config, prefix=tied_to_parent(())) as service:
        yield House(
            Wire(service.public), Wire(service.internal), data / "keys", lambda: service.logged
        )


@contextmanager
def _loop() -> "Iterator[Runs]":
    """Yield what runs coroutines in a loop that goes on beside the tests, which have their own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="house", daemon=True)
    thread.start()
    try:
        yield Runs(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Runs:
    """Runs coroutines in a loop of another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __call__(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)
