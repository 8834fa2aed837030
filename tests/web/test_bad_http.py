"""Hostile HTTP: rows 41 to 60 of the bad-input catalogue, most of them byte by byte."""

import time

import pytest

from tests.web.hostile import CANARY, harmless
from tests.web.houses import ARTICLE, IPHONE, PUBLIC_URL, House
from tests.web.wire import query

PAGE = query(site="example", url=ARTICLE)
DECISION = f"/v1/decision?{PAGE}"
VIEW = {"kind": "view"}
KIB = 1_024


def _post(*headers: bytes, body: bytes = b"") -> bytes:
    lines = (b"POST /v1/events HTTP/1.1", b"Host: x", b"Content-Type: text/plain", *headers)
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _get(*headers: bytes, target: bytes = b"/robots.txt", version: bytes = b"HTTP/1.1") -> bytes:
    return b"\r\n".join((b"GET " + target + b" " + version, *headers)) + b"\r\n\r\n"


HOST, CHUNKED = b"Host: canary", b"Transfer-Encoding: chunked"
REFUSED: dict[str, bytes] = {
    "row41-length-and-chunked": _post(b"Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"),
    "row41-two-lengths": _post(b"Content-Length: 3", b"Content-Length: 4", body=b"canary"),
    "row41-signed-length": _post(b"Content-Length: +3", body=b"abc"),
    "row41-xchunked": _post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "row41-chunked-identity": _post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "row41-endless-chunk": _post(CHUNKED, body=b"ffffffffffffffffff\r\ncanary"),
    "row41-no-chunk-size": _post(CHUNKED, body=b"canary\r\n"),
    "row42-bare-lf": b"GET /robots.txt HTTP/1.1\nHost: canary\n\n",
    "row42-folded": _get(HOST, b"X: canary", b" canary"),
    "row42-nul": _get(HOST, b"X: canary\0canary"),
    "row42-escape": _get(HOST, b"X: canary\x1b[31m"),
    "row42-space-before-colon": _get(HOST, b"X : canary"),
    "row42-no-colon": _get(HOST, b"canary"),
    "row43-no-host": _get(b"X: canary"),
    "row43-two-hosts": _get(HOST, b"Host: canary.example"),
    "row45-absolute-no-host": _get(HOST, target=b"http://[::1"),
    "row45-absolute-bad-port": _get(HOST, target=b"http://canary.example:99999/"),
    "row46-http-0.9": b"GET /robots.txt\r\n\r\n",
    "row46-http-0.9-said": _get(version=b"HTTP/0.9"),
    "row46-http-2.0": _get(HOST, b"Connection: close", version=b"HTTP/2.0"),
    "row46-http-3.7": _get(HOST, b"Connection: close", version=b"HTTP/3.7"),
    "row46-http-canary": _get(HOST, version=b"canary/1.1"),
    "row46-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "row46-tls": bytes.fromhex("16030100c8010000c40303") + b"canary" * 40,
    "row47-no-such-method": b"FOO /canary HTTP/1.1\r\nHost: x\r\n\r\n",
    "row47-long-method": b"C" * 5_000 + b" /canary HTTP/1.1\r\nHost: x\r\n\r\n",
    "row48-long-line": _get(HOST, target=b"/" + b"canary" * 1_500),
    "row48-long-header": _get(HOST, b"X: " + b"canary" * 1_500),
    "row48-many-headers": _get(HOST, *[b"X: canary"] * 200),
    "row37-bytes-in-target": _get(HOST, target=b"/v1/decision?site=example&url=\xff\xfecanary"),
    "row28-space-in-target": _get(HOST, target=b"/s/x/reddit?u=https://news.example/ canary"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_request_is_400_and_the_end_of_the_connection(house: House, name: str) -> None:
    answers = house.public.raw(REFUSED[name])
    assert [harmless(answer).status for answer in answers] == [400]
    assert house.internal.raw(REFUSED[name])[0].problem()["title"] == "Bad Request"


def test_rows_44_and_45_no_host_but_ours_is_ever_linked_to(house: House) -> None:
    for host in ("canary.example", "a/../b", "x:99999999", "x@canary", "", "\udcffcanary"):
        answer = house.public.get(DECISION, {"Host": host, "User-Agent": IPHONE})
        assert harmless(answer).text.count(f"{PUBLIC_URL}/") == 6
    for target in ("http://canary.example", "https://canary@canary:1"):
        answer = house.public.get(target + DECISION, {"User-Agent": IPHONE})
        assert harmless(answer).text.count(f"{PUBLIC_URL}/") == 6
    assert harmless(house.public.get("http://canary.example")).status == 404


def test_row46_an_upgrade_is_not_taken(house: House) -> None:
    for protocol in ("h2c", "websocket", "TLS/1.0"):
        wanted = {"Connection": "Upgrade, close", "Upgrade": protocol, "HTTP2-Settings": "AAMA"}
        assert harmless(house.public.get("/robots.txt", wanted)).status == 200


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PROPFIND", "PURGE", "DELETE", "PATCH"])
def test_row47_a_method_that_is_not_ours_is_405(house: House, method: str) -> None:
    answer = harmless(house.public.send(method, "/robots.txt", {"X": CANARY}, b"canary"))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert harmless(house.public.send(method, "/canary")).status == 404


def test_row47_what_names_no_path_is_404(house: House) -> None:
    for method, target in (("OPTIONS", "*"), ("CONNECT", "canary.example:443")):
        assert harmless(house.public.send(method, target)).status in {400, 404}


def test_row47_no_parameter_or_header_makes_another_method(house: House) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert harmless(house.public.get("/v1/events?_method=POST", {name: "POST"})).status == 405


def test_row49_a_body_longer_than_it_may_be_is_413(house: House) -> None:
    for headers, body in (
        ((b"Content-Length: 999999999999999999",), b"canary"),
        ((CHUNKED,), b"1000\r\n" + (b"canary" * 683)[: 4 * KIB] + b"\r\n"),
    ):
        with house.public.connected() as line:
            line.send(_post(*headers, body=body if headers != (CHUNKED,) else body * 5))
            answer = line.answer()
            assert answer is not None
            assert harmless(answer).status == 413


def test_row49_a_body_of_another_length_than_said_ends_the_connection(house: House) -> None:
    longer = _post(b"Content-Length: 2", body=b"{}canary canary\r\n\r\n")
    assert {harmless(answer).status for answer in house.public.raw(longer)} == {400}
    shorter = _post(b"Content-Length: 50", b"Connection: close", body=b'{"token": "')
    with house.public.connected() as line:
        line.send(shorter)
        line.hang_up()
        assert line.answer() is None


@pytest.mark.parametrize(
    "coding", ["gzip", "br", "zstd", "deflate", "identity", "canary", "gzip, gzip"]
)
def test_row50_a_coded_body_is_415(house: House, coding: str) -> None:
    bomb = bytes.fromhex("1f8b0800000000000003") + b"\0" * 64
    answer = house.public.post("/v1/events", bomb, {"Content-Encoding": coding})
    assert harmless(answer).status == 415


def test_row52_a_body_that_drips_is_cut_off(house: House) -> None:
    with house.public.connected() as line:
        line.send(_post(b"Content-Length: 1000", body=b'{"token": "'))
        started = time.monotonic()
        while not line.readable(0.5):
            line.send(b"x")
            assert time.monotonic() - started < 12
        answer = line.answer()
    assert answer is not None
    assert harmless(answer).status == 408
    assert house.report(house.token(), VIEW).status == 204


def test_row53_pipelined_requests_are_all_answered_in_order(house: House) -> None:
    asked = [b"/robots.txt", b"/canary"] * 500
    requests = b"".join(_get(HOST, target=target) for target in asked[:-1])
    last = _get(HOST, b"Connection: close", target=asked[-1])
    statuses = [harmless(answer).status for answer in house.public.raw(requests + last)]
    assert statuses == [200, 404] * 500


def test_row54_an_expectation_we_do_not_know_is_417(house: House) -> None:
    for listener in (house.public, house.internal):
        answer = listener.get("/robots.txt", {"Expect": "canary"})
        assert harmless(answer).status == 417
    with house.public.connected() as line:
        line.send(_post(b"Expect: 100-continue", b"Content-Length: 2"))
        first = line.answer()
        assert first is not None
        assert first.status == 100


@pytest.mark.parametrize(
    ("sent", "status"),
    [("", 415), ("canary", 415), ("text/plain/canary", 415), (";;;", 415), ("\udcffcanary", 415),
     ("text/plain; charset=canary", 204), ('text/plain; charset="', 204), ("TEXT/plain", 204)],
)  # fmt: skip
def test_row55_only_json_as_text_is_read_and_always_as_utf_8(
    house: House, sent: str, status: int
) -> None:
    assert harmless(house.report(house.token(), VIEW, Content_Type=sent)).status == status


BODIES: dict[str, tuple[bytes, int]] = {
    "row56-empty": (b"", 400),
    "row56-truncated": (b'{"token": "@", "events": [{"kind": "view"', 400),
    "row56-trailing": (b'{"token": "@", "events": [{"kind": "view"}]} canary', 400),
    "row56-bom": (b'\xef\xbb\xbf{"token": "@", "events": [{"kind": "view"}]}', 400),
    "row56-form": (b"token=canary&events=canary", 400),
    "row57-arrays": (b"[" * 8_000, 400),
    "row57-objects": (b'{"canary":' * 1_500, 400),
    "row57-arrays-in-unknown": (b'{"token": "@", "x": ' + b"[" * 8_000, 400),
    "row57-events": (b'{"token": "@", "events": ' + b"[" * 4_000 + b"]" * 4_000 + b"}", 400),
    "row58-long-number": (b'{"token": ' + b"9" * 5_000 + b', "events": []}', 400),
    "row58-long-number-unknown": (
        b'{"token": "@", "events": [{"kind": "view"}], "x": ' + b"9" * 5_000 + b"}", 204,
    ),
    "row58-minus-nought": (b'{"token": "@", "events": [{"kind": "view", "title": -0}]}', 400),
    "row58-1e400": (b'{"token": "@", "events": [{"kind": 1e400}]}', 400),
    "row58-nan": (b'{"token": "@", "events": [{"kind": "view", "x": NaN}]}', 400),
    "row58-infinity": (b'{"token": "@", "events": [{"kind": "view"}], "x": -Infinity}', 400),
    "row59-last-of-two-keys": (
        b'{"token": "canary", "token": "@", "events": [{"kind": "view"}]}', 204,
    ),
    "row59-unknown-keys": (b'{"canary": [null], "token": "@", "events": [{"kind": "view"}]}', 204),
    "row59-null-token": (b'{"token": null, "events": [{"kind": "view"}]}', 400),
    "row59-null-events": (b'{"token": "@", "events": null}', 400),
    "row59-null-event": (b'{"token": "@", "events": [null]}', 400),
    "row59-object-events": (b'{"token": "@", "events": {"kind": "canary"}}', 400),
    "row59-array": (b'["@", [{"kind": "view"}]]', 400),
    "row59-missing": (b"{}", 400),
    "row59-null": (b"null", 400),
    "row60-not-utf-8": (b'{"token": "\xffcanary", "events": [{"kind": "view"}]}', 400),
    "row60-not-utf-8-unknown": (b'{"token": "@", "events": [{"kind": "view", "x": "\xff"}]}', 400),
    "row60-overlong": (b'{"token": "@", "events": [{"kind": "view", "url": "\xc0\xaf"}]}', 400),
    "row60-surrogate": (b'{"token": "@", "events": [{"kind": "view", "title": "\\ud800"}]}', 400),
    "row60-surrogate-key": (b'{"token": "@", "events": [{"kind": "view", "\\udfff": 1}]}', 400),
    "row60-nul": (b'{"token": "@\\u0000", "events": [{"kind": "view"}]}', 400),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_json_of_the_right_shape_or_400(house: House, name: str) -> None:
    body, status = BODIES[name]
    answer = house.public.post(
        "/v1/events", body.replace(b"@", house.token().encode()), {"User-Agent": IPHONE}
    )
    assert harmless(answer).status == status
    assert status == 204 or len(answer.fields) == 1
