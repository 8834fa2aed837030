"""GET /v1/decision: parameters to a page, a decision to bytes; no I/O between the two."""

from aiohttp import web

from service.domain.errors import NotAllowed
from service.domain.tokens import Arm
from service.web.answers import ANSWERS
from service.web.keys import SERVICES
from service.web.middleware import ORIGIN
from service.web.quick import QuickAnswer, fixed_head
from service.web.readers import audience_of

_HOLD = Arm.HOLD
_HEAD = fixed_head(
    "200 OK", Content_Type="application/json", Cache_Control="no-store", Vary="Origin"
)


async def decision(request: web.Request) -> web.StreamResponse:
    """Answer which creative each placement shows, under one signed token."""
    app = request.app
    services, answers = app[SERVICES], app[ANSWERS]
    plan = services.plan()
    view = answers.view(request.rel_url.raw_query_string, plan)
    site = view.page.site
    origin = request.headers.get("Origin")
    if origin is not None and origin not in site.origins:
        raise NotAllowed(ORIGIN, "add this origin to the site's list")
    audience = audience_of(request, plan, touch=view.touch)
    decision = services.decider.decide(view.page, audience)
    counts, label = services.metrics.decisions.counts, services.metrics.site_label(site.id)
    filled = "held" if decision.arm is _HOLD else "filled"
    for placement, choices in zip(view.page.placements, decision.choices, strict=True):
        counts[label, placement.id, filled if choices else "empty"] += 1
    return QuickAnswer(_HEAD, origin, answers.render(view, decision))
