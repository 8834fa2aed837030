"""Answers whose head is text made ahead; no other answer is sent by other means than aiohttp's.

A header map that is copied, filled, checked and written out costs as much as deciding what to show.
"""

from http import HTTPStatus

from aiohttp import ClientConnectionResetError, HttpVersion11, web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.web_request import BaseRequest

from service.web.middleware import SERVER


def fixed_head(status: str, **headers: str) -> str:
    """Return the part of a head that never changes; a name's `_` stands for `-`."""
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", f"Server: {SERVER}", *lines, ""])


def quick(answer: web.Response) -> "QuickAnswer":
    """Return an answer with an ASCII body of ours in its quick form."""
    lines = [f"{name}: {text}\r\n" for name, text in answer.headers.items()]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    assert isinstance(answer.body, bytes)
    return QuickAnswer(status + "".join(lines), None, answer.body.decode("ascii"))


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

    def wire(self, request: BaseRequest) -> bytes:
        """Return the bytes that answer a request; never compressed, and never for a HEAD."""
        keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        self._keep_alive = keep_alive
        return self.text(keep_alive=keep_alive, old=request.version < HttpVersion11)

    def text(self, *, keep_alive: bool, old: bool = False) -> bytes:
        """Return the bytes for a connection that goes on or ends; `old` is HTTP/1.0."""
        extra = f"Access-Control-Allow-Origin: {self._origin}\r\n" if self._origin else ""
        if not keep_alive:
            extra += "Connection: close\r\n"
        elif old:
            extra += "Connection: keep-alive\r\n"
        head, date, body = self._head, rfc822_formatted_time(), self._content
        if body is None:
            return f"{head}Date: {date}\r\n{extra}\r\n".encode("ascii")
        extra += f"Content-Length: {len(body)}\r\n"
        return f"{head}Date: {date}\r\n{extra}\r\n{body}".encode("ascii")

    async def prepare(self, request: BaseRequest) -> None:
        """Send the answer where aiohttp does the sending."""
        answer, transport = self.wire(request), request.transport
        if transport is None or transport.is_closing():
            raise ClientConnectionResetError("Cannot write to closing transport")
        transport.write(answer)

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: all was sent."""
