"""GET /demo: an article of the site `example` with the block in it, as a publisher would paste it.

It has no privileges: the script is fetched, asks and counts like on any page. Its policy is as
strict as policies get, which shows what the script can do without.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from service.web.keys import SERVICES
from service.web.middleware import SERVER
from service.web.pages import render

SITE = "example"
ARTICLE = "https://news.example/science/flood-warnings"
# Ours and without a tag in it, so safe unescaped within the style element.
_CSS = Markup((Path(__file__).parent / "static" / "demo.css").read_text("utf-8"))  # noqa: S704  see above
_CSS_HASH = b64encode(sha256(_CSS.encode()).digest()).decode()


async def demo(request: web.Request) -> web.Response:
    """Answer the article, where the configuration still has its site."""
    services = request.app[SERVICES]
    site = services.catalog().sites.get(SITE)
    if site is None:
        raise web.HTTPNotFound
    html = render("demo.html", css=_CSS, site=site, article=ARTICLE, public_url=services.public_url)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(services.public_url),
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Server": SERVER,
    }
    return web.Response(body=html.encode(), headers=headers)


def _policy(public_url: str) -> str:
    # 'self' would do, unless the page was reached by another name than the service's own.
    service = "/".join(public_url.split("/")[:3])
    return (
        f"default-src 'none'; script-src {service}; connect-src {service};"
        f" style-src 'sha256-{_CSS_HASH}'; img-src https: data:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
