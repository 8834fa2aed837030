"""The script over real HTTP: small on the wire, cached as its two names promise."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.web import embed

SCRIPT = (Path(embed.__file__).parent / "static" / "embed.js").read_bytes()
HASHED = f"/embed.{embed.HASH}.js"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_get("/embed.js", embed.embed_alias)
    app.router.add_get("/embed.{hash}.js", embed.embed_hashed)
    # The client would hide what travels.
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


@pytest.mark.parametrize("path", ["/embed.js", HASHED])
async def test_the_script_comes_compressed_to_those_who_take_it(client: Client, path: str) -> None:
    response = await client.get(path, headers={"Accept-Encoding": "br, GZIP;q=0.5"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(await response.read()) == SCRIPT


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br, gzip; q=0.000, identity", ""])
async def test_the_script_comes_plain_to_those_who_do_not(client: Client, accepted: str) -> None:
    response = await client.get("/embed.js", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response.headers
    assert await response.read() == SCRIPT


@pytest.mark.parametrize("path", ["/embed.js", HASHED])
async def test_any_page_may_load_the_script_and_nothing_may_misread_it(
    client: Client, path: str
) -> None:
    headers = (await client.get(path)).headers
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert headers["Timing-Allow-Origin"] == "*"
    assert headers["Server"] == "handbill"
    assert "Set-Cookie" not in headers


async def test_the_pasted_name_is_kept_for_minutes_and_asked_again_by_its_tag(
    client: Client,
) -> None:
    first = await client.get("/embed.js")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    tag = first.headers["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = await client.get("/embed.js", headers={"If-None-Match": known})
        assert again.status == 304
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "public, max-age=300"
        assert again.headers["Vary"] == "Accept-Encoding"
        assert await again.read() == b""


@pytest.mark.parametrize("known", ['"other"', "", "\x80", '"', "W/"])
async def test_another_tag_gets_the_script(client: Client, known: str) -> None:
    response = await client.get("/embed.js", headers={"If-None-Match": known})
    assert response.status == 200


async def test_the_hashed_name_is_kept_for_a_year(client: Client) -> None:
    response = await client.get(HASHED)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("other", ["0" * 16, "", embed.HASH.upper(), "..%2Fembed"])
async def test_another_hash_is_nothing(client: Client, other: str) -> None:
    assert (await client.get(f"/embed.{other}.js")).status == 404


@pytest.mark.parametrize("path", ["/embed.js", HASHED])
async def test_a_head_has_the_same_headers_and_no_body(client: Client, path: str) -> None:
    response = await client.head(path, headers={"Accept-Encoding": "gzip"})
    got = await client.get(path, headers={"Accept-Encoding": "gzip"})
    assert await response.read() == b""
    for name in ("Content-Length", "Content-Encoding", "Cache-Control"):
        assert response.headers[name] == got.headers[name]
