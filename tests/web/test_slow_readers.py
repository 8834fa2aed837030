"""Readers who ask and do not read, over a real server: answers keep their order and wait."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from service.web.connections import WRITE_S
from tests.web.houses import ARTICLE, IPHONE, House
from tests.web.wire import CLOSE, Line, head, query

DECISION = f"GET /v1/decision?{query(site='example', url=ARTICLE)} HTTP/1.1"
SENT_MAX = 16 << 20  # what the kernel's buffers on both sides hold, and much more
STILL_S = 1.0


@contextmanager
def _blocked(house: House) -> Iterator[tuple[socket.socket, int]]:
    """Yield a connection that asked until nothing more was taken, and how often it asked."""
    request = head(DECISION, {"Host": "x", "User-Agent": IPHONE})
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.connect(house.public.address)
        connection.settimeout(STILL_S)
        sent = 0
        try:
            while sent < SENT_MAX:
                sent += connection.send((request * 100)[sent % len(request) :])
        except TimeoutError:
            yield connection, sent // len(request)
        else:
            raise AssertionError(f"{sent} bytes were taken from somebody who reads nothing")


def test_decisions_and_other_answers_keep_their_order(house: House) -> None:
    asked = [DECISION, "GET /robots.txt HTTP/1.1", DECISION, "GET /v1/decision HTTP/1.1"] * 50
    requests = [head(line, {"Host": "x", "User-Agent": IPHONE}) for line in asked]
    requests.append(head(DECISION, {"Host": "x", **CLOSE}))
    answers = house.public.raw(b"".join(requests))
    assert [answer.status for answer in answers] == [200, 200, 200, 400] * 50 + [200]
    tokens = [json.loads(answer.body)["token"] for answer in answers[0::2][:-1]]
    assert len(set(tokens)) == 100
    assert answers[-1].headers["connection"] == "close"


def test_who_reads_late_gets_every_answer(house: House) -> None:
    with _blocked(house) as (connection, asked), connection.makefile("rb") as file:
        line = Line(connection, file)
        connection.settimeout(10)
        for _ in range(asked):
            answer = line.answer()
            assert answer is not None
            assert answer.status == 200


def test_who_never_reads_is_let_go(house: House) -> None:
    with _blocked(house) as (connection, _):
        deadline = time.monotonic() + 2 * WRITE_S
        while time.monotonic() < deadline:
            try:
                connection.send(b"x")
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            raise AssertionError("the connection is still there")
    assert house.public.get("/robots.txt").status == 200
