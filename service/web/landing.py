"""The landing page of a short link: both stores and a QR code for a phone; counts nothing."""

import io
from urllib.parse import quote

import segno
from aiohttp import web

from service.domain.ads import App
from service.domain.stores import Origin, app_store_link, play_link
from service.web.middleware import SERVER
from service.web.pages import render

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Server": SERVER,
}


def landing_page(public_url: str, app: App, origin: Origin) -> web.Response:
    """Return the page of an app: its stores as links, and this address as a QR code."""
    here = f"{public_url}/a/{app.id}?via={quote(origin.click_id or 'qr', safe='')}"
    html = render(
        "landing.html",
        app=app,
        app_store=app_store_link(app, origin) if app.ios else None,
        play=play_link(app, origin) if app.android else None,
        qr=_qr_svg(here),
        short_link=f"{public_url}/a/{app.id}",
    )
    return web.Response(body=html.encode(), headers=_HEADERS)


def _qr_svg(address: str) -> str:
    """Return the code as an SVG data address; a quiet zone of four modules, dark on light."""
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", border=4, scale=4, dark="#111", light="#fff", xmldecl=False
    )
    return "data:image/svg+xml," + quote(out.getvalue().decode(), safe="")
