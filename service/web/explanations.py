"""GET /v1/explain: why each campaign may or may not show; counts nothing and signs nothing."""

import json
from dataclasses import asdict

from aiohttp import web

from service.domain.audience import UNKNOWN
from service.domain.errors import BadInput
from service.flows.explain import Explanation, explain
from service.flows.pages import Audience
from service.web.auth import guarded
from service.web.keys import SERVICES
from service.web.params import decision_page, query_params, touch

_COUNTRY_CHARS = 2


@guarded
async def explanation(request: web.Request) -> web.Response:
    """Answer with a decision's parameters, `country` and `ua` in place of a reader's."""
    services = request.app[SERVICES]
    params = query_params(request.rel_url.raw_query_string)
    if "site" not in params and len(services.catalog().sites) == 1:
        params["site"] = next(iter(services.catalog().sites))
    page = decision_page(params, services.catalog())
    country = params.get("country", UNKNOWN).lower()
    if len(country) != _COUNTRY_CHARS or not country.isalpha():
        raise BadInput("country", "give a code of ISO 3166, such as DE")
    agent = services.agents.identify(params.get("ua", ""), {})
    audience = Audience(agent.platform_with(touch=touch(params)), country)
    found = explain(services.plan(), services.decider, page, audience)
    return web.Response(
        body=json.dumps(_document(found, audience)).encode(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _document(found: Explanation, audience: Audience) -> dict[str, object]:
    return {
        "arm": found.arm,
        "platform": audience.platform.label,
        "country": audience.country,
        "campaigns": [asdict(standing) for standing in found.standings],
        "decision": {
            placement: choices[0].creative.id if choices else None
            for placement, choices in found.choices
        },
    }
