"""Speaks HTTP to a running service byte for byte: follows no redirect, normalises no address."""

import json
import select
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import quote, urlsplit

TIMEOUT_S = 15.0
CLOSE = {"Connection": "close"}


@dataclass(frozen=True)
class Answer:
    """What came back; header names are in lower case, repeated headers joined by commas."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the body's JSON."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)

    def problem(self) -> dict[str, Any]:
        """Return the body, which must be an RFC 9457 document as design § 8 has it."""
        assert self.headers["content-type"] == "application/problem+json", self
        assert self.headers["server"] == "handbill"
        document: dict[str, Any] = json.loads(self.body)
        assert document.keys() - {"errors"} == {"title", "status", "detail"}
        assert document["status"] == self.status
        for error in document.get("errors", ()):
            assert error.keys() == {"field", "message"}
        return document

    @property
    def fields(self) -> list[str]:
        """The fields that a problem names."""
        return [error["field"] for error in self.problem().get("errors", ())]

    @property
    def location(self) -> str:
        """Where a redirect goes."""
        assert self.status == 302, self
        return self.headers["location"]


class Line:
    """One connection, for what cannot be said in one well-formed request."""

    def __init__(self, connection: socket.socket, file: IO[bytes]) -> None:
        self._connection = connection
        self._file = file

    def send(self, data: bytes) -> None:
        """Send bytes; a service that has closed already is no error, its answer may be there."""
        try:
            self._connection.sendall(data)
        except ConnectionError:
            return

    def hang_up(self) -> None:
        """Send no more."""
        self._connection.shutdown(socket.SHUT_WR)

    def readable(self, timeout_s: float) -> bool:
        """Say whether something is there to read, or the end, within the time."""
        return bool(select.select([self._connection], [], [], timeout_s)[0])

    def answer(self, method: str = "GET") -> Answer | None:
        """Read the next answer; None where the service closed the connection instead."""
        try:
            return _read(self._file, method)
        except ConnectionError:
            return None

    def answers(self) -> list[Answer]:
        """Read all answers until the service closes."""
        return list(iter(self.answer, None))


class Wire:
    """One listener of a service; every request has a connection of its own."""

    def __init__(self, address: str, source: str = "") -> None:
        self._source = (source, 0)
        parts = urlsplit(address)
        self.address = (parts.hostname, parts.port)
        self.host = parts.netloc

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a GET of a target as it is."""
        return self.send("GET", target, headers)

    def post(self, target: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a body as browsers' beacons do, or as the headers say."""
        return self.send("POST", target, {"Content-Type": "text/plain", **(headers or {})}, body)

    def send(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request; target and headers may hold any bytes, as surrogates."""
        wanted = {"Host": self.host, **CLOSE, **(headers or {})}
        if body and not {"Content-Length", "Transfer-Encoding"} & wanted.keys():
            wanted["Content-Length"] = str(len(body))
        with self.connected() as line:
            line.send(head(f"{method} {target} HTTP/1.1", wanted) + body)
            answer = line.answer(method)
        assert answer is not None, f"{method} {target[:200]!r} was not answered"
        return answer

    def raw(self, request: bytes) -> list[Answer]:
        """Send bytes and return every answer until the service closes the connection."""
        with self.connected() as line:
            line.send(request)
            return line.answers()

    @contextmanager
    def connected(self) -> Iterator[Line]:
        """Yield a connection."""
        with (
            socket.create_connection(self.address, TIMEOUT_S, self._source) as connection,
            connection.makefile("rb") as file,
        ):
            yield Line(connection, file)


def head(line: str, headers: Mapping[str, str]) -> bytes:
    """Return a request's first line and headers as bytes, with the empty line after them."""
    lines = [line, *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode(errors="surrogateescape")


def query(**params: str) -> str:
    """Return parameters as encodeURIComponent writes them; `from_` is `from`."""
    return "&".join(f"{name.rstrip('_')}={quote(text, safe='')}" for name, text in params.items())


def _read(file: IO[bytes], method: str) -> Answer | None:
    first = file.readline()
    if not first:
        return None
    version, status = first.split(None, 2)[:2]
    assert version.startswith(b"HTTP/"), first
    headers: dict[str, str] = {}
    while line := file.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]},{value.strip()}" if name in headers else value.strip()
    bodiless = method == "HEAD" or status in {b"100", b"204", b"304"}
    length = headers.get("content-length")
    body = b"" if bodiless else file.read() if length is None else file.read(int(length))
    return Answer(int(status), headers, body)
