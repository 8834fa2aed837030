"""GET /v1/fragment: the block with no script, as text, html or for mail; counts nothing itself."""

from aiohttp import web

from service.domain.audience import Platform
from service.domain.choosing import Choice
from service.domain.errors import BadInput
from service.domain.plans import Plan
from service.domain.sharing import clean_title, share_link, tagged
from service.domain.tokens import Arm
from service.flows.pages import Audience, Page
from service.web.answers import asked_of, share_row, shown_offer
from service.web.keys import SERVICES, Services
from service.web.middleware import SERVER, cors
from service.web.pages import render
from service.web.params import decision_page, query_params, touch
from service.web.readers import audience_behind

SEPARATOR = " «||» "
_TYPES = {"html": "text/html", "email": "text/html", "text": "text/plain"}


async def fragment(request: web.Request) -> web.Response:
    """Answer the ads and share links of an article in the format asked for."""
    services = request.app[SERVICES]
    params = query_params(request.rel_url.raw_query_string)
    form = params.get("format", "html")
    if form not in _TYPES:
        raise BadInput("format", "ask for html, text or email")
    plan = services.plan()
    page, title = decision_page(params, plan.catalog), clean_title(params.get("title", ""))
    if form == "html":
        audience = audience_behind(request, plan, touch=touch(params))
        text = _html(services, audience, page, title)
    elif form == "email":
        text = _email(services, plan, page, title)
    else:
        text = _text(services, plan, page)
    headers = {
        "Content-Type": f"{_TYPES[form]}; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": SERVER,
        **cors(request.headers, page.site.origins),
    }
    return web.Response(body=text.encode(), headers=headers)


def _html(services: Services, audience: Audience, page: Page, title: str) -> str:
    """Render a page view of its own: a token, links through us and impression pixels."""
    decision = services.decider.decide(page, audience)
    token, url = decision.token, services.public_url
    # In a page that no script makes, a holdout has neither ad nor ghost: nothing tells it is seen.
    shown = () if decision.arm is Arm.HOLD else zip(page.placements, decision.choices, strict=True)
    offers = [
        {
            **shown_offer(choices[0], page.site, f"{url}/c/{token}/{placement.id}"),
            "pixel": f"{url}/i/{token}/{placement.id}.gif",
        }
        for placement, choices in shown
        if choices
    ]
    share = share_row(
        services.plan().catalog.networks, page.site, asked_of(page, title), url, token
    )
    return render("fragment.html", first=offers[:1], rest=offers[1:], share=share)


def _email(services: Services, plan: Plan, page: Page, title: str) -> str:
    """Render for mail and feeds: no token and no pixel, plain links that stay true for years."""
    if page.preview is not None:
        raise BadInput("preview", "ask for html or text: what links in mails bring is counted")
    offers = [
        {
            **shown_offer(
                choice, page.site, f"{services.public_url}/a/{choice.campaign.app}?via=email"
            ),
            "pixel": None,
        }
        for _, choice in _choices(services, plan, page)
    ]
    networks = [plan.catalog.networks[name] for name in page.site.share]
    share = [
        {
            "label": page.site.labels.share.replace("{network}", network.name),
            "url": share_link(
                network, tagged(page.article, network, depth=1, block="email"), title
            ),
        }
        for network in networks
    ]
    return render("fragment.html", first=offers[:1], rest=offers[1:], share=share)


def _text(services: Services, plan: Plan, page: Page) -> str:
    """Return the lines as editors know them: an ad, the share row, the other ads."""
    labels = page.site.labels
    ads = [
        f"{labels.advertisement}: {choice.creative.headline}"
        for _, choice in _choices(services, plan, page)
    ]
    names = [plan.catalog.networks[name].name for name in page.site.share]
    row = SEPARATOR.join(labels.share.replace("{network}", name) for name in names)
    return "\n".join([*ads[:1], row, *ads[1:]]) + "\n"


def _choices(services: Services, plan: Plan, page: Page) -> list[tuple[str, Choice]]:
    # Nobody's: who will read it, and whether anybody does, is not known.
    shown = services.decider.choose(plan, page, Audience(Platform.UNKNOWN), Arm.NONE)
    pairs = zip(page.placements, shown, strict=True)
    return [(placement.id, choices[0]) for placement, choices in pairs if choices]
