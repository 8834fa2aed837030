"""GET /v1/explain: why each campaign may or may not show; counts nothing and signs nothing."""

import asyncio

import msgspec
from aiohttp import web

from service.domain.articles import canonical_article
from service.domain.audience import UNKNOWN
from service.domain.catalog import Catalog
from service.domain.errors import BadInput, NotAllowed
from service.domain.events import UNUSED
from service.domain.tokens import Arm
from service.flows.explain import Explanation
from service.flows.pages import Audience
from service.flows.reasons import few
from service.web.answers import ghosts
from service.web.auth import guarded
from service.web.keys import SERVICES
from service.web.params import decision_page, query_params, touch


@guarded
async def explanation(request: web.Request) -> web.Response:
    """Answer with a decision's parameters, `country` and `ua` in place of a reader's."""
    services = request.app[SERVICES]
    plan = services.plan()
    params = query_params(request.rel_url.raw_query_string)
    if "site" not in params:
        params["site"] = _site_of(params.get("url", ""), plan.catalog)
    page = decision_page(params, plan.catalog)
    country = params.get("country", UNKNOWN).lower()
    if country not in services.countries:
        raise BadInput("country", "give a code of ISO 3166, such as DE, or ZZ")
    agent = services.agents.identify(params.get("ua", ""), {})
    audience = Audience(agent.platform_with(touch=touch(params)), country)
    # Of ten thousand campaigns this is long work: beside requests, not between them.
    found = await asyncio.to_thread(services.explainer.explain, plan, page, audience)
    return web.Response(
        body=msgspec.json.encode(_document(found, audience)),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _site_of(address: str, catalog: Catalog) -> str:
    """Return the one site that lists an address; raise where there is none, or which is meant."""
    sites = catalog.sites_of(canonical_article(address).url)
    if not sites:
        raise NotAllowed("url", "no configured site lists this address among its articles")
    if len(sites) > 1:
        names = few([site.id for site in sites])
        raise BadInput("site", f"several sites list this address, say which: {names}")
    return sites[0].id


def _document(found: Explanation, audience: Audience) -> dict[str, object]:
    """Return it with `decision` and `held` as a decision has them: who is held out sees nothing."""
    held = ghosts(found.choices) if found.arm is Arm.HOLD else None
    return {
        "arm": UNUSED if found.arm is Arm.NONE else found.arm.label,
        "platform": audience.platform.label,
        "country": audience.country,
        "campaigns": found.standings,
        "decision": {
            placement: choices[0].creative.id if choices and held is None else None
            for placement, choices in found.choices
        },
        **({} if held is None else {"held": held}),
    }
