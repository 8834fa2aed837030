"""GET /robots.txt: keeps robots off the addresses that count."""

from aiohttp import web

from service.web.middleware import SERVER

_BODY = b"User-agent: *\nDisallow: /c/\nDisallow: /s/\nDisallow: /i/\nDisallow: /a/\n"


async def robots(_: web.Request) -> web.Response:
    """Answer the same few lines to all."""
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Cache-Control": "public, max-age=86400",
        "Server": SERVER,
    }
    return web.Response(body=_BODY, headers=headers)
