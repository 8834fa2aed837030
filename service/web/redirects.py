"""GET /c, /s and /a: count, then send the reader on; waits a moment for disk, never for Redis."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web

from service.domain.ads import App
from service.domain.articles import canonical_article
from service.domain.errors import JournalRefused, NotAToken, UnknownSite
from service.domain.events import Kind
from service.domain.sharing import clean_title
from service.domain.stores import Origin, store_link
from service.domain.tokens import Parsed, parse_token
from service.flows.meanings import Deed
from service.web.events import COMMIT_WAIT_S, token_of
from service.web.keys import SERVICES, Services
from service.web.landing import landing_page
from service.web.middleware import SERVER
from service.web.params import query_params
from service.web.readers import reader_of

_LABEL = re.compile(r"[a-z0-9-]{1,20}\Z")
_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Server": SERVER}


async def click(request: web.Request) -> web.Response:
    """Send a reader from an ad to the device's store, and count the click."""
    services, parsed = request.app[SERVICES], token_of(request)
    reader = reader_of(services.agents, request.headers)
    placement, rank = request.match_info["placement"], int(request.match_info.get("rank", "0"))
    location = None
    with suppress(UnknownSite):
        location = services.follower.click(parsed, placement, rank, reader.agent, reader.origin)
    deed = Deed(Kind.CLICK, placement=placement, runner_up=rank)
    await _count(services, Kind.CLICK, lambda: services.recorder.record(parsed, [deed], reader))
    if location is None:
        raise web.HTTPNotFound
    return redirect(location)


async def share(request: web.Request) -> web.Response:
    """Send a reader to a network's share page with the tagged article, and count the share."""
    services, parsed = request.app[SERVICES], token_of(request)
    reader = reader_of(services.agents, request.headers)
    params, network = query_params(request.rel_url.raw_query_string), request.match_info["network"]
    article = canonical_article(params.get("u", ""), "u")
    title = clean_title(params.get("t", ""))
    location = services.follower.share(parsed, network, article, title)
    deed = Deed(Kind.SHARE, network=network, article=article)
    await _count(services, Kind.SHARE, lambda: services.recorder.record(parsed, [deed], reader))
    return redirect(location)


async def short_link(request: web.Request) -> web.Response:
    """Send a phone to its store, show a landing page elsewhere; an ad's click is not an `open`."""
    services = request.app[SERVICES]
    reader = reader_of(services.agents, request.headers)
    app = services.plan().codebook.apps.get(request.match_info["app"])
    if app is None:
        raise web.HTTPNotFound
    via = query_params(request.rel_url.raw_query_string).get("via", "")
    origin = _whence(services, app, via)
    if not origin.click_id:
        platform = reader.agent.platform
        await _count(services, Kind.OPEN, lambda: services.recorder.opened(platform, reader))
    location = store_link(app, reader.agent.platform, origin, landing="")
    if location and not reader.agent.bot:
        return redirect(location)
    return landing_page(services.public_url, app, origin)


def redirect(location: str) -> web.Response:
    """Return a 302 whose location is the address, byte for byte."""
    return web.Response(status=302, headers={**_HEADERS, "Location": location})


def _whence(services: Services, app: App, via: str) -> Origin:
    label = via if _LABEL.match(via) else "direct"
    return services.follower.short_link(app, _click_of(via), label)


def _click_of(via: str) -> Parsed | None:
    try:
        return parse_token(via)
    except NotAToken:
        return None


async def _count(services: Services, kind: Kind, record: Callable[[], Awaitable[None]]) -> None:
    """Wait for the event's commit, but not long: the reader goes on, and metrics say how."""
    services.metrics.events_received.counts[kind,] += 1
    try:
        await asyncio.wait_for(record(), COMMIT_WAIT_S)
        outcome = "recorded"
    except TimeoutError:
        outcome = "unacknowledged"
    except JournalRefused:
        outcome = "refused"
    services.metrics.redirects.counts[kind, outcome] += 1
