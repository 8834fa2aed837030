"""GET /v1/decision: parameters to a page, a decision to bytes; no I/O between the two."""

from aiohttp import web
from multidict import CIMultiDict

from service.domain.errors import NotAllowed
from service.web.answers import ANSWERS
from service.web.keys import SERVICES
from service.web.middleware import ORIGIN, SERVER
from service.web.readers import user_agent

_HEADERS = CIMultiDict(
    {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Vary": "Origin",
        "Server": SERVER,
    }
)


async def decision(request: web.Request) -> web.Response:
    """Answer which creative each placement shows, under one signed token."""
    services, answers = request.app[SERVICES], request.app[ANSWERS]
    headers, plan = request.headers, services.plan()
    view = answers.view(request.rel_url.raw_query_string, plan)
    site = view.page.site
    answer_headers = _HEADERS.copy()
    origin = headers.get("Origin")
    if origin is not None:
        if origin not in site.origins:
            raise NotAllowed(ORIGIN, "add this origin to the site's list")
        answer_headers["Access-Control-Allow-Origin"] = origin
    agent = services.agents.identify(user_agent(headers), headers)
    token, choices = services.decider.decide(
        view.page,
        agent.platform_with(touch=view.touch),
        gpc=headers.get("Sec-GPC") == "1" or headers.get("DNT") == "1",
    )
    counts, label = services.metrics.decisions.counts, services.metrics.site_label(site.id)
    for placement, choice in zip(view.page.placements, choices, strict=True):
        counts[label, placement.id, "empty" if choice is None else "filled"] += 1
    return web.Response(body=answers.render(view, token, choices), headers=answer_headers)
