"""The life of the process: bind, serve until asked to stop, drain in order, exit."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress

from service.app.house import House
from service.app.loop_errors import LoopErrors
from service.app.services import open_house
from service.domain.errors import BadConfiguration, Problem
from service.settings.values import Address, Settings
from service.telemetry.logs import configure_logs, logger
from service.web.beacons import Beacons
from service.web.listeners import Listener, bind, refuse_slow_parser
from service.web.routes import internal_app, public_app

STOPPING = (signal.SIGTERM, signal.SIGINT)
REQUESTS_S = 10.0  # for running requests to finish, once nobody is let in any more
SHIPPING_S = 5.0  # for the journal's rest to reach Redis; what does not is shipped by the next


class Signals:
    """SIGTERM and SIGINT: the first asks to stop, the second to hurry."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for number in STOPPING:
            # Not the loop's own handlers: as it closes it gives signals their default back.
            signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._receive)

    def _receive(self) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, unless hurried."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.hurried.wait(), seconds)

    def done(self) -> None:
        """Hear no more: all is closed, and another signal must not make a good end look bad."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)

    def within(self, seconds: float) -> float:
        """Return the time that a step of stopping may take."""
        return 0.0 if self.hurried.is_set() else seconds


def serve(settings: Settings) -> int:
    """Run the service until a signal or a failure it must not survive; return the exit code."""
    refuse_slow_parser()
    configure_logs(style=settings.log)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(settings))


async def _run(settings: Settings) -> int:
    asyncio.get_running_loop().set_exception_handler(LoopErrors(logger()))
    signals = Signals()
    public = _bound("public", settings.public)
    internal = _bound("internal", settings.internal)
    public_url = settings.public_url or settings.public.url(public.getsockname()[1])
    async with open_house(settings, public_url) as house:
        app = public_app(house.services, with_demo=settings.demo)
        readers = Listener(app, public, Beacons(house.services))
        insiders = Listener(internal_app(house.services), internal)
        await readers.start()
        await insiders.start()
        house.ready = True
        _announce(settings, public_url, readers.port, insiders.port)
        await _until_stopped(signals, house)
        house.ready = False
        logger().info("stopping", grace_s=settings.grace_s)
        readers.leave()
        if not house.failed.is_set():
            await signals.sleep(settings.grace_s)
        await _unless_hurried(signals, readers.stop(signals.within(REQUESTS_S)))
        await _unless_hurried(signals, house.shipper.drain(signals.within(SHIPPING_S)))
        await insiders.stop(0)
    signals.done()
    return os.EX_IOERR if house.failed.is_set() else os.EX_OK


async def _until_stopped(signals: Signals, house: House) -> None:
    """Wait for a signal or for the house to fail."""
    waits = [asyncio.create_task(event.wait()) for event in (signals.asked, house.failed)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _unless_hurried(signals: Signals, step: Coroutine[None, None, None]) -> None:
    """Run one step of stopping, cut short by a second signal; what is on disk stays there."""
    task, hurry = asyncio.create_task(step), asyncio.create_task(signals.hurried.wait())
    await asyncio.wait((task, hurry), return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    if not task.done():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _bound(name: str, address: Address) -> socket.socket:
    try:
        return bind(address.host, address.port)
    except OSError as error:
        reason = f"cannot listen on {address.host}:{address.port}: {error.strerror or error}"
        raise BadConfiguration((Problem("settings", 0, f"--{name}", reason),)) from None


def _announce(settings: Settings, public_url: str, public_port: int, internal_port: int) -> None:
    """Print where the service listens: the one thing that goes to standard output."""
    lines = [
        f"public {settings.public.url(public_port)}",
        f"internal {settings.internal.url(internal_port)}",
    ]
    if settings.demo:
        lines.append(f"demo {public_url}/demo")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop where there is one (a third less time a request), else the default."""
    try:
        import uvloop  # noqa: PLC0415  optional: not built for every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
