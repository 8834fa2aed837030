"""What operators and orchestrators ask: alive, ready, metrics; changes nothing."""

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.web.keys import SERVICES

_FRESH = {"Cache-Control": "no-store"}


async def livez(_request: web.Request) -> web.Response:
    """200 as long as the loop turns; says nothing of dependencies."""
    return web.json_response({"status": "alive"}, headers=_FRESH)


async def readyz(request: web.Request) -> web.Response:
    """200 when requests should come here, else 503; lists each dependency either way."""
    health = request.app[SERVICES].health()
    body = {"status": "ready" if health.ready else "not ready", "checks": health.checks}
    return web.json_response(body, status=200 if health.ready else 503, headers=_FRESH)


async def metrics(request: web.Request) -> web.Response:
    """Every series in Prometheus' text format."""
    registry = request.app[SERVICES].metrics.registry
    # In a thread: rendering thousands of series must not hold the readers' loop.
    body = await asyncio.to_thread(generate_latest, registry)
    # As a header: aiohttp's content_type argument refuses the charset this type carries.
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST, **_FRESH})
