"""POST /v1/events and the pixel: what browsers report, acknowledged once it is on disk."""

import asyncio
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import StreamReader, web

from service.domain.errors import JournalRefused, NotAToken
from service.domain.events import Kind
from service.domain.tokens import Parsed, parse_token
from service.flows.meanings import Deed
from service.flows.record import Reader
from service.web.bodies import events_body
from service.web.keys import SERVICES, Services
from service.web.middleware import SERVER
from service.web.quick import QuickAnswer, fixed_head
from service.web.readers import reader_of

BODY_BYTES_MAX = 16 * 1024
COMMIT_WAIT_S = 0.25  # of a reader who wants something else than our acknowledgement
_BODY_TIMEOUT_S = 5
_CONTENT_TYPES = frozenset({"text/plain", "application/json"})
_HEAD = fixed_head("204 No Content", Cache_Control="no-store", Vary="Origin")
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


async def events(request: web.Request) -> web.StreamResponse:
    """Record a batch of one page view; 204 once committed, whatever the verdicts."""
    services = request.app[SERVICES]
    refuse_other_types(request.headers)
    await services.recorder.record(*deeds_of(services, request.headers, await _body(request)))
    return acknowledgement(services, request.headers)


def refuse_other_types(headers: Mapping[str, str]) -> None:
    """Raise unless the body is plain text or JSON, and not compressed."""
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in _CONTENT_TYPES or "Content-Encoding" in headers:
        raise web.HTTPUnsupportedMediaType


def deeds_of(
    services: Services, headers: Mapping[str, str], body: bytes
) -> tuple[Parsed, list[Deed], Reader]:
    """Read what a recorder records of a request; counts what was received, raises `BadInput`."""
    parsed, deeds = events_body(body)
    for deed in deeds:
        services.metrics.events_received.counts[deed.kind,] += 1
    return parsed, deeds, reader_of(services.agents, headers)


def acknowledgement(services: Services, headers: Mapping[str, str]) -> QuickAnswer:
    """Return the 204 that says: all of it is on disk."""
    origin = headers.get("Origin")
    return QuickAnswer(_HEAD, origin if origin in services.plan().origins else None)


async def pixel(request: web.Request) -> web.Response:
    """Record an impression where no script runs; the picture comes whatever happens."""
    services = request.app[SERVICES]
    deed = Deed(Kind.IMPRESSION, placement=request.match_info["placement"])
    services.metrics.events_received.counts[deed.kind,] += 1
    with suppress(JournalRefused, TimeoutError):  # counted there; a log line each fills the disk
        reader = reader_of(services.agents, request.headers)
        record = services.recorder.record(token_of(request), [deed], reader)
        await asyncio.wait_for(record, COMMIT_WAIT_S)
    headers = {"Content-Type": "image/gif", "Cache-Control": "no-store", "Server": SERVER}
    return web.Response(body=_PIXEL, headers=headers)


async def preflight(request: web.Request) -> web.Response:
    """Let listed origins send JSON under its own content type, which browsers ask about first."""
    headers = {"Cache-Control": "no-store", "Vary": "Origin", "Server": SERVER}
    origin = request.headers.get("Origin")
    if origin is not None and origin in request.app[SERVICES].plan().origins:
        headers |= {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "600",
        }
    return web.Response(status=204, headers=headers)


def token_of(request: web.Request) -> Parsed | None:
    """Return the token in the path, None where the text cannot be one."""
    try:
        return parse_token(request.match_info["token"])
    except NotAToken:
        return None


async def _body(request: web.Request) -> bytes:
    if request.content_length is not None and request.content_length > BODY_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, request.content_length)
    if request.content.is_eof():
        return whole_body(request.content)
    try:
        async with asyncio.timeout(_BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def whole_body(content: StreamReader) -> bytes:
    """Return a body that came with its head, as a beacon's does: a wait costs more."""
    body = content.read_nowait()
    if len(body) > BODY_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(BODY_BYTES_MAX, len(body))
    return body
