"""A decision as JSON text: what only page or choice determine is rendered once and kept, bounded.

An answer is a join of such pieces around the token; nothing here decides anything.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import quote

from aiohttp import web

from service.domain.ads import Site
from service.domain.choosing import Choice
from service.domain.sharing import clean_title
from service.flows.decide import Page
from service.flows.plan import Plan
from service.web.params import decision_page, query_params, touch

VIEWS_MAX = 32_768  # about 1 kB each; half of them surely stay
VIEWS_CHARS_MAX = 24 << 20  # a stranger can make each of them 30 times as long
# The token's place in a piece that is rendered before there is one; no text can have guessed it.
_HOLE = token_hex(16)
_ASKED_HOLE = token_hex(16)  # likewise the place of what a page's share links say of it,
_ASKED = "\1"  # which is sought in every answer, so as one character; JSON has it nowhere else


@dataclass(frozen=True, slots=True)
class PageView:
    """A query string, read: the page, and the pieces of its answer around the token."""

    page: Page
    touch: bool
    article: str
    asked: str


class Answers:
    """The rendered pieces, renewed whenever the plan's pools or the catalogue are."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._version = ""
        self._pools: object = None
        self._views: dict[str, PageView] = {}
        self._older: dict[str, PageView] = {}
        self._chars = 0
        self._pieces: dict[tuple[Choice, str], list[str]] = {}
        self._shares: dict[str, list[str]] = {}

    def view(self, query: str, plan: Plan) -> PageView:
        """Return the page that a raw query string asks for; raises what reading it raises."""
        if plan.pools is not self._pools:
            self._renew(plan)
        view = self._views.get(query)
        if view is None:
            view = self._older.get(query) or self._read(query, plan)
            self._keep(query, view)
        return view

    def render(self, view: PageView, token: str, choices: Sequence[Choice | None]) -> str:
        """Return the answer's text, which is ASCII (design § 8)."""
        site = view.page.site
        placements = []
        for placement, choice in zip(view.page.placements, choices, strict=True):
            if choice is None:
                placements.append(f'"{placement.id}":null')
                continue
            piece = self._pieces.get((choice, site.id))
            if piece is None:
                piece = self._piece(choice, site, placement.id)
                self._pieces[choice, site.id] = piece
            placements.append(token.join(piece))
        joined = ",".join(placements)
        # In this order, as the asked are four times the rest: what is sought in should be short.
        share = token.join(self._shares[site.id]).replace(_ASKED, view.asked)
        return f'{{"token":"{token}",{view.article},"placements":{{{joined}}},{share}}}'

    def _keep(self, query: str, view: PageView) -> None:
        # Two generations: what is in use survives, with no book-keeping on a hit.
        if len(self._views) >= VIEWS_MAX // 2 or self._chars >= VIEWS_CHARS_MAX // 2:
            self._older, self._views, self._chars = self._views, {}, 0
        self._views[query] = view
        self._chars += len(query) + 2 * len(view.article) + len(view.asked)

    def _renew(self, plan: Plan) -> None:
        self._pools, self._pieces = plan.pools, {}
        if plan.catalog.version != self._version:
            self._version = plan.catalog.version
            self._views, self._older, self._chars, self._shares = {}, {}, 0, {}

    def _read(self, query: str, plan: Plan) -> PageView:
        params = query_params(query)
        page = decision_page(params, plan.catalog)
        article = {"id": page.article.id.hex(), "url": page.article.url}
        title = clean_title(params.get("title", ""))
        site = page.site.id
        if site not in self._shares:
            row = json.dumps(share_row(plan, page.site, _ASKED_HOLE, self._public_url, _HOLE))
            self._shares[site] = f'"share":{row}'.replace(_ASKED_HOLE, _ASKED).split(_HOLE)
        return PageView(
            page, touch(params), f'"article":{json.dumps(article)}', asked_of(page, title)
        )

    def _piece(self, choice: Choice, site: Site, placement: str) -> list[str]:
        offer = json.dumps(shown_offer(choice, site, placement, self._public_url, _HOLE))
        return f'"{placement}":{offer}'.split(_HOLE)


def shown_offer(
    choice: Choice, site: Site, placement: str, public_url: str, token: str
) -> dict[str, object]:
    """Return one placement's creative as the decision says it."""
    campaign, creative = choice.campaign, choice.creative
    image, cap = creative.image, campaign.cap
    return {
        "campaign": campaign.id,
        "creative": creative.id,
        "label": site.labels.advertisement,
        "headline": creative.headline,
        "body": creative.body,
        "cta": creative.cta,
        "image": image
        and {"url": image.url, "width": image.width, "height": image.height, "alt": image.alt},
        "click": f"{public_url}/c/{token}/{placement}",
        "sponsored": campaign.sponsored,
        "cap": cap and {"key": campaign.id, "max": cap.max, "hours": cap.hours},
        "alternates": [],
    }


def asked_of(page: Page, title: str) -> str:
    """Return the query of a page's share links: its address and, if it has one, its title."""
    query = f"u={quote(page.article.url, safe='')}"
    return f"{query}&t={quote(title, safe='')}" if title else query


def share_row(
    plan: Plan, site: Site, asked: str, public_url: str, token: str
) -> list[dict[str, str]]:
    """Return a site's share links, in the site's order, with what `asked_of` says of the page."""
    networks = [plan.catalog.networks[name] for name in site.share]
    return [
        {
            "network": network.id,
            "label": site.labels.share.replace("{network}", network.name),
            "url": f"{public_url}/s/{token}/{network.id}?{asked}",
        }
        for network in networks
    ]


ANSWERS = web.AppKey("ANSWERS", Answers)
