"""The same events on every way in: whole, in parts, one after the other, from who is gone.

A request whose body comes with its head is recorded on a shorter way than one that drips in.
"""

import json
import time

import pytest

from service.web.events import BODY_BYTES_MAX
from tests.web.houses import ARTICLE, IPHONE, House
from tests.web.wire import Answer, head, query

ORIGIN = "https://news.example"
DECISION = f"GET /v1/decision?{query(site='example', url=ARTICLE)} HTTP/1.1"
ROBOTS = "GET /robots.txt HTTP/1.1"
BODIES = {
    "good": b"",
    "no json": b"{",
    "no token": b'{"token": "x", "events": [{"kind": "view"}]}',
    "no events": b'{"token": "x", "events": []}',
    "not utf-8": b"\xff",
    "too long": b" " * (BODY_BYTES_MAX + 1),
    "empty": b" ",
}
WANTED = {"good": 204, "too long": 413}


def _body(house: House, *, kind: str = "view") -> bytes:
    return json.dumps({"token": house.token(), "events": [{"kind": kind}]}).encode()


def _post(body: bytes, **headers: str) -> bytes:
    usual = {"Host": "x", "User-Agent": IPHONE, "Origin": ORIGIN, "Content-Type": "text/plain"}
    return head("POST /v1/events HTTP/1.1", {**usual, "Content-Length": str(len(body)), **headers})


def _get(line: str) -> bytes:
    return head(line, {"Host": "x", "User-Agent": IPHONE})


def _asked(house: House, *parts: bytes) -> Answer:
    with house.public.connected() as line:
        for part in parts:
            line.send(part)
            time.sleep(0.05)
        answer = line.answer()
    assert answer is not None
    return answer


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Connection": "close"}, {"Content-Type": "image/png"}, {"Content-Encoding": "gzip"}],
    ids=["kept", "closed", "type", "coding"],
)
def test_whole_or_in_parts_the_answer_is_the_same(
    house: House, name: str, headers: dict[str, str]
) -> None:
    body = BODIES[name] or _body(house)
    request = _post(body, **headers)
    whole, parts = _asked(house, request + body), _asked(house, request, body[:-1], body[-1:])
    refused = {"Content-Type", "Content-Encoding"} & headers.keys()
    if not refused:
        assert whole.status == WANTED.get(name, 400)
    elif name != "too long":  # either fault may be named first
        assert whole.status == 415
    told = [{k: v for k, v in a.headers.items() if k != "date"} for a in (whole, parts)]
    assert whole.status == parts.status
    assert whole.body == parts.body
    if name != "too long":  # who was refused before its body was read is let go at once
        assert told[0] == told[1]
    assert whole.headers["access-control-allow-origin"] == ORIGIN


def test_answers_keep_the_order_of_requests(house: House) -> None:
    counting = house.counting("kind,verdict")
    asked, statuses = b"", []
    for number in range(60):
        body = _body(house)
        asked += _post(body) + body
        statuses.append(204)
        if number % 3 == 0:
            asked += _get(DECISION)
            statuses.append(200)
        if number % 5 == 0:
            bad = b"{}"
            asked += _post(bad) + bad + _get(ROBOTS)
            statuses += [400, 200]
    last = _body(house)
    asked += _post(last, Connection="close") + last
    answers = house.public.raw(asked)
    assert [answer.status for answer in answers] == [*statuses, 204]
    assert counting.gained(61) == {("view", "valid"): 61}


def test_what_follows_a_beacon_that_is_under_way_waits_for_it(house: House) -> None:
    with house.public.connected() as line:
        for _ in range(50):
            body = _body(house)
            line.send(_post(body) + body)
            line.send(_get(DECISION))
            body = _body(house)
            line.send((_post(body) + body)[:-1])
            line.send(body[-1:])
            found = [line.answer() for _ in range(3)]
            assert [answer.status for answer in found if answer] == [204, 200, 204]


def test_who_leaves_before_the_answer_is_counted(house: House) -> None:
    counting, said = house.counting("kind,verdict"), len(house.said())
    for _ in range(20):
        body = _body(house)
        with house.public.connected() as line:
            line.send(_post(body) + body)
    assert counting.gained(20) == {("view", "valid"): 20}
    assert house.said()[said:] == ""


def test_old_and_patient_readers_are_answered_too(house: House) -> None:
    body = _body(house)
    old = _post(body).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    assert [answer.status for answer in house.public.raw(old + body)] == [204]
    patient = _post(body, Expect="100-continue", Connection="close")
    assert [answer.status for answer in house.public.raw(patient + body)] == [100, 204]


def test_a_beacon_is_measured_like_any_request(house: House) -> None:
    series = (
        'handbill_http_request_duration_seconds_count{listener="public",route="events",status="%s"}'
    )
    before = [house.metric(series % status) for status in ("2xx", "4xx")]
    body = _body(house)
    _asked(house, _post(body) + body)
    _asked(house, _post(b"{") + b"{")
    after = [house.metric(series % status) for status in ("2xx", "4xx")]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1]
