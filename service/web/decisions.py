"""GET /v1/decision: parameters to a page, a decision to bytes; no I/O between the two."""

from aiohttp import web

from service.domain.audience import UNKNOWN
from service.domain.errors import NotAllowed
from service.domain.tokens import Arm
from service.flows.pages import Audience
from service.web.answers import ANSWERS
from service.web.keys import SERVICES
from service.web.middleware import ORIGIN
from service.web.quick import QuickAnswer, fixed_head
from service.web.readers import country_of, user_agent

_HOLD = Arm.HOLD
_HEAD = fixed_head(
    "200 OK", Content_Type="application/json", Cache_Control="no-store", Vary="Origin"
)


async def decision(request: web.Request) -> web.StreamResponse:
    """Answer which creative each placement shows, under one signed token."""
    app, headers = request.app, request.headers
    services, answers = app[SERVICES], app[ANSWERS]
    plan = services.plan()
    view = answers.view(request.rel_url.raw_query_string, plan)
    site = view.page.site
    origin = headers.get("Origin")
    if origin is not None and origin not in site.origins:
        raise NotAllowed(ORIGIN, "add this origin to the site's list")
    agent = services.agents.identify(user_agent(headers), headers)
    audience = Audience(
        agent.platform_with(touch=view.touch),
        country_of(request) if plan.index.asks_country else UNKNOWN,
        headers.get("Sec-GPC") == "1" or headers.get("DNT") == "1",
    )
    decision = services.decider.decide(view.page, audience)
    counts, label = services.metrics.decisions.counts, services.metrics.site_label(site.id)
    filled = "held" if decision.arm is _HOLD else "filled"
    for placement, choices in zip(view.page.placements, decision.choices, strict=True):
        counts[label, placement.id, filled if choices else "empty"] += 1
    return QuickAnswer(_HEAD, origin, answers.render(view, decision))
