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

    Origin and body must be ours: they are written as they are, and the body must be ASCII.
    """

    def __init__(self, head: str, origin: str | None, body: str | None = None) -> None:
        # Without `super().__init__()`, which makes the header map that this is here to avoid.
        self._status = int(head[9:12])
        self._head = head
        self._origin = origin
        self._content = body

    def send(self, request: BaseRequest) -> bool:
        """Write the answer and say whether anybody was there; never compressed, never to a HEAD."""
        keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        self._keep_alive = keep_alive
        transport = request.transport
        if transport is None or transport.is_closing():
            return False
        allow = f"Access-Control-Allow-Origin: {self._origin}\r\n" if self._origin else ""
        if not keep_alive:
            allow += "Connection: close\r\n"
        elif request.version < HttpVersion11:
            allow += "Connection: keep-alive\r\n"
        head, date, body = self._head, rfc822_formatted_time(), self._content
        if body is None:
            text = f"{head}Date: {date}\r\n{allow}\r\n"
        else:
            text = f"{head}Date: {date}\r\n{allow}Content-Length: {len(body)}\r\n\r\n{body}"
        transport.write(text.encode("ascii"))
        return True

    async def prepare(self, request: BaseRequest) -> None:
        """Send the answer where aiohttp does the sending."""
        if not self.send(request):
            raise ClientConnectionResetError("Cannot write to closing transport")

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all was sent."""
