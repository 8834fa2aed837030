"""Answers that leave together at the end of a turn of the event loop; closes no connection.

Each write to an idle peer wakes it, which costs the writer about as much as deciding does. A
burst wakes it once, and waits for no more than what was being answered anyway.
"""

import asyncio


class Outbox:
    """What one listener's connections have to say in this turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Write an answer before anything that is scheduled from now on.

        Who writes to the connection or closes it in this very turn must `flush` it before: on
        newer Pythons aiohttp takes up a request that has arrived as soon as one is answered.
        """
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append((transport, answer))

    def flush(self, transport: asyncio.Transport) -> None:
        """Write at once, if an answer waits for this connection."""
        if any(waiting is transport for waiting, _ in self._waiting):
            self._send()

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, answer in waiting:
            if not transport.is_closing():
                transport.write(answer)
