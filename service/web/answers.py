"""A decision as JSON text: what only page or choice determine is rendered once and kept, bounded.

An answer is a join of such pieces around the token; nothing here decides anything.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import quote

from aiohttp import web

from service.domain.ads import Campaign
from service.domain.choosing import Choice
from service.domain.plans import Plan
from service.domain.sharing import Network, clean_title
from service.domain.sites import Site
from service.domain.tokens import Arm
from service.flows.decide import Decision
from service.flows.pages import Page
from service.web.params import decision_page, query_params, touch

VIEWS_MAX = 32_768  # about 1 kB each; half of them surely stay
VIEWS_CHARS_MAX = 24 << 20  # a stranger can make each of them 30 times as long
PIECES_MAX = 65_536  # about 0.5 kB each: creatives by site
# The token's place in a piece that is rendered before there is one; no text can have guessed it.
_HOLE = token_hex(16)
_ASKED_HOLE = token_hex(16)  # likewise the place of what a page's share links say of it,
_ASKED = "\1"  # which is sought in every answer, so as one character; JSON has it nowhere else
_HOLD = Arm.HOLD
_json = json.JSONEncoder(separators=(",", ":")).encode
_AFTER = '","alternates":'  # follows the token and its placement in every offer


@dataclass(frozen=True, slots=True)
class PageView:
    """A query string, read: the page, and the pieces of its answer around the token."""

    page: Page
    touch: bool
    article: str
    asked: str


_Piece = tuple[Campaign, str]
"""An offer's text before the token, and the campaign it is of: good while that one is in use."""


class Answers:
    """The rendered pieces; a new catalogue costs those that it says otherwise."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._index: object = None
        self._sites: Mapping[str, Site] = {}
        self._networks: Mapping[str, Network] = {}
        self._views: dict[str, PageView] = {}
        self._older: dict[str, PageView] = {}
        self._chars = 0
        self._pieces: dict[str, dict[int, _Piece]] = {}  # by site, then creative
        self._number = 0  # of pieces
        self._shares: dict[str, list[str]] = {}

    def view(self, query: str, plan: Plan) -> PageView:
        """Return the page that a raw query string asks for; raises what reading it raises."""
        if plan.index is not self._index:
            self._renew(plan)
        view = self._views.get(query)
        if view is None:
            view = self._older.get(query) or self._read(query, plan)
            self._keep(query, view)
        return view

    def render(self, view: PageView, decision: Decision) -> str:
        """Return the answer's text, which is ASCII (design § 8); in arm `hold` it shows nothing."""
        page, (token, arm, choices) = view.page, decision
        held = ""
        if arm is _HOLD:
            shown = zip((placement.id for placement in page.placements), choices, strict=True)
            held = f'"held":{_json(ghosts(shown))},'
            choices = ((),) * len(choices)
        site, placements = page.site, []
        pieces = self._pieces.get(site.id) or self._pieces.setdefault(site.id, {})
        for placement, some in zip(page.placements, choices, strict=True):
            if not some:
                placements.append(f'"{placement.id}":null')
                continue
            first = some[0]
            piece, name = pieces.get(first.code), placement.id
            if piece is None or piece[0] is not first.campaign:
                piece = self._piece(first, site)
            others = "[]"
            if len(some) > 1:
                others = _alternates(some, site, f"{self._public_url}/c/{token}/{name}")
            offer = f'"{name}":{piece[1]}{token}/{name}{_AFTER}{others}}}'
            placements.append(offer)
        joined = ",".join(placements)
        # In this order, as the asked are four times the rest: what is sought in should be short.
        row = self._shares.get(site.id) or self._share(site)
        share = token.join(row).replace(_ASKED, view.asked)
        return f'{{"token":"{token}",{view.article},"placements":{{{joined}}},{held}{share}}}'

    def _piece(self, choice: Choice, site: Site) -> _Piece:
        if self._number >= PIECES_MAX:
            self._pieces, self._number = {}, 0
        offer = _json(shown_offer(choice, site, f"{self._public_url}/c/{_HOLE}"))
        piece = choice.campaign, offer[: offer.index(_HOLE)]
        self._pieces.setdefault(site.id, {})[choice.code] = piece
        self._number += 1  # at least: one that is made anew counts again
        return piece

    def _renew(self, plan: Plan) -> None:
        """Keep what was read and rendered of sites that are what they were."""
        sites, self._index = plan.catalog.sites, plan.index
        if sites.keys() != self._sites.keys() or any(
            sites[name] is not site for name, site in self._sites.items()
        ):
            self._views, self._older, self._chars = {}, {}, 0
            self._pieces = {
                name: pieces
                for name, pieces in self._pieces.items()
                if name in sites and sites[name].labels == self._sites[name].labels
            }
        self._sites, self._networks, self._shares = sites, plan.catalog.networks, {}

    def _share(self, site: Site) -> list[str]:
        row = _json(share_row(self._networks, site, _ASKED_HOLE, self._public_url, _HOLE))
        self._shares[site.id] = f'"share":{row}'.replace(_ASKED_HOLE, _ASKED).split(_HOLE)
        return self._shares[site.id]

    def _keep(self, query: str, view: PageView) -> None:
        # Two generations: what is in use survives, with no book-keeping on a hit.
        if len(self._views) >= VIEWS_MAX // 2 or self._chars >= VIEWS_CHARS_MAX // 2:
            self._older, self._views, self._chars = self._views, {}, 0
        self._views[query] = view
        self._chars += len(query) + 2 * len(view.article) + len(view.asked)

    def _read(self, query: str, plan: Plan) -> PageView:
        params = query_params(query)
        page = decision_page(params, plan.catalog)
        article = {"id": page.article.id.hex(), "url": page.article.url}
        title = clean_title(params.get("title", ""))
        return PageView(page, touch(params), f'"article":{_json(article)}', asked_of(page, title))


def ghosts(shown: Iterable[tuple[str, tuple[Choice, ...]]]) -> dict[str, str]:
    """Return the creative that each placement would have shown, by the placement's id."""
    return {placement: some[0].creative.id for placement, some in shown if some}


def _alternates(choices: Sequence[Choice], site: Site, click: str) -> str:
    """Render runner-ups: few are ever asked for, so that none is kept."""
    ranked = enumerate(choices[1:], 1)
    return _json([shown_offer(choice, site, f"{click}/{rank}") for rank, choice in ranked])


def shown_offer(choice: Choice, site: Site, click: str) -> dict[str, object]:
    """Return one placement's creative as the decision says it; runner-ups go to `alternates`."""
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
        "sponsored": campaign.sponsored,
        "cap": cap and {"key": campaign.id, "max": cap.max, "hours": cap.hours},
        "click": click,
        "alternates": [],
    }


def asked_of(page: Page, title: str) -> str:
    """Return the query of a page's share links: its address and, if it has one, its title."""
    query = f"u={quote(page.article.url, safe='')}"
    return f"{query}&t={quote(title, safe='')}" if title else query


def share_row(
    networks: Mapping[str, Network], site: Site, asked: str, public_url: str, token: str
) -> list[dict[str, str]]:
    """Return a site's share links, in the site's order, with what `asked_of` says of the page."""
    return [
        {
            "network": network.id,
            "label": site.labels.share.replace("{network}", network.name),
            "url": f"{public_url}/s/{token}/{network.id}?{asked}",
        }
        for network in map(networks.__getitem__, site.share)
    ]


ANSWERS = web.AppKey("ANSWERS", Answers)
