"""Answers whose head is text made ahead; no other answer is sent by other means than aiohttp's.

A header map that is copied, filled, checked and written out costs as much as deciding what to show.
"""

from aiohttp import ClientConnectionResetError, HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.web_request import BaseRequest

from service.web.middleware import SERVER


def fixed_head(status: str, **headers: str) -> str:
    """Return the part of a head that never changes; a name's `_` stands for `-`."""
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", f"Server: {SERVER}", *lines, ""])


class QuickAnswer(web.StreamResponse):
    """A head from `fixed_head`, the origin that may read it, and a body; sent in one write.

    The origin must be one of the configuration's: it is written as it is.
    """

    def __init__(self, head: str, origin: str | None, body: bytes | None = None) -> None:
        # Without `super().__init__()`, which makes the header map that this is here to avoid.
        self._status = int(head[9:12])
        self._head = head
        self._origin = origin
        self._content = body

    async def prepare(self, request: BaseRequest) -> None:
        """Send the answer; it is never compressed, and never one to a HEAD."""
        keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        self._keep_alive = keep_alive
        head = f"{self._head}Date: {rfc822_formatted_time()}\r\n"
        if self._origin is not None:
            head += f"Access-Control-Allow-Origin: {self._origin}\r\n"
        if not keep_alive:
            head += "Connection: close\r\n"
        elif request.version < HttpVersion11:
            head += "Connection: keep-alive\r\n"
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("Cannot write to closing transport")
        if self._content is None:
            transport.write(f"{head}\r\n".encode())
        else:
            head += f"Content-Length: {len(self._content)}\r\n\r\n"
            transport.write(head.encode() + self._content)

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all was sent."""
