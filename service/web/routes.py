"""Every URL of both listeners, one line each; the handlers live beside."""

from aiohttp import hdrs, web

from service.web import (
    decisions,
    demo,
    embed,
    events,
    explanations,
    fragments,
    ops,
    redirects,
    reports,
    robots,
)
from service.web.answers import ANSWERS, Answers
from service.web.keys import SERVICES, Services
from service.web.middleware import Handler, observed, unmatched, unversioned

Route = tuple[str, str, str, Handler]

PUBLIC: tuple[Route, ...] = (
    ("GET", "/embed.js", "embed", embed.embed_alias),
    ("GET", "/embed.{hash}.js", "embed", embed.embed_hashed),
    ("GET", "/v1/decision", "decision", decisions.decision),
    ("POST", "/v1/events", "events", events.events),
    ("OPTIONS", "/v1/decision", "preflight", events.preflight),
    ("OPTIONS", "/v1/events", "preflight", events.preflight),
    ("GET", "/c/{token}/{placement}", "click", redirects.click),
    ("GET", r"/c/{token}/{placement}/{rank:[1-5]}", "click", redirects.click),
    ("GET", "/s/{token}/{network}", "share", redirects.share),
    ("GET", "/i/{token}/{placement}.gif", "pixel", events.pixel),
    ("GET", "/v1/fragment", "fragment", fragments.fragment),
    ("GET", "/a/{app}", "short_link", redirects.short_link),
    ("GET", "/robots.txt", "robots", robots.robots),
)
DEMO: tuple[Route, ...] = (("GET", "/demo", "demo", demo.demo),)
INTERNAL: tuple[Route, ...] = (
    ("GET", "/metrics", "metrics", ops.metrics),
    ("GET", "/livez", "livez", ops.livez),
    ("GET", "/readyz", "readyz", ops.readyz),
    ("GET", "/reports", "reports", reports.report_page),
    ("GET", "/v1/report.json", "report", reports.report_json),
    ("GET", "/v1/explain", "explain", explanations.explanation),
)
# A HEAD must never run a handler that counts.
_HEAD = frozenset({"embed", "robots", "demo", "livez", "readyz", "metrics"})


def public_app(services: Services, *, with_demo: bool) -> web.Application:
    """Return the readers' application."""
    app = _app("public", PUBLIC + DEMO if with_demo else PUBLIC, services)
    app[ANSWERS] = Answers(services.public_url)
    return app


def internal_app(services: Services) -> web.Application:
    """Return the application of ops and marketing."""
    app = _app("internal", INTERNAL, services)
    # Not on the readers' side, where handlers say it themselves: a signal costs every answer.
    app.on_response_prepare.append(unversioned)
    return app


def _app(listener: str, routes: tuple[Route, ...], services: Services) -> web.Application:
    app = web.Application(client_max_size=events.BODY_BYTES_MAX)
    app[SERVICES] = services
    for method, path, name, handler in routes:
        answer = observed(services, listener, name, handler)
        app.router.add_route(method, path, answer)
        if method == hdrs.METH_GET and name in _HEAD:
            app.router.add_route(hdrs.METH_HEAD, path, answer)
    app.router.add_route(
        "*", "/{unmatched:.*}", observed(services, listener, "unmatched", unmatched)
    )
    return app
