"""A decision as JSON bytes: what only page or choice determine is rendered once and kept, bounded.

An answer is a join of such pieces around the token; nothing here decides anything.
"""

import json
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from service.domain.ads import Site
from service.domain.choosing import Choice
from service.domain.plans import Plan
from service.domain.sharing import clean_title
from service.domain.tokens import Arm
from service.flows.decide import Decision
from service.flows.pages import Page
from service.web.params import decision_page, query_params, touch

VIEWS_MAX = 16_384  # about 1 kB each
VIEWS_CHARS_MAX = 24 << 20  # a stranger can make each of them 30 times as long
# The token's place in a piece that is rendered before there is one; no text of ours holds a NUL.
_HOLE = "\0"
_NO_ALTERNATES = "[]}"  # the end of every offer; runner-ups are put in there
PIECES_MAX = 8_192
_PieceKey = tuple[int, str, int, str]
"""Creative, placement, rank and site."""


@dataclass(frozen=True, slots=True)
class PageView:
    """A query string, read: the page, and the pieces of its answer around the token."""

    page: Page
    touch: bool
    article: str
    share: tuple[str, ...]


class Answers:
    """The rendered pieces, renewed whenever the catalogue is."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url
        self._index: object = None
        self._views: dict[str, PageView] = {}
        self._older: dict[str, PageView] = {}
        self._chars = 0
        self._pieces: dict[_PieceKey, list[str]] = {}

    def view(self, query: str, plan: Plan) -> PageView:
        """Return the page that a raw query string asks for; raises what reading it raises."""
        if plan.index is not self._index:
            self._index, self._pieces = plan.index, {}
            self._views, self._older, self._chars = {}, {}, 0
        view = self._views.get(query)
        if view is None:
            view = self._older.get(query) or self._read(query, plan)
            self._keep(query, view)
        return view

    def render(self, view: PageView, decision: Decision) -> bytes:
        """Return the answer's bytes (design § 8); in arm `hold` it shows nothing."""
        page, token = view.page, decision.token
        pairs = list(zip(page.placements, decision.choices, strict=True))
        held = ""
        if decision.arm is Arm.HOLD:
            ghosts = {place.id: some[0].creative.id for place, some in pairs if some}
            held = f'"held":{json.dumps(ghosts)},'
            pairs = [(place, ()) for place, _ in pairs]
        placements = ",".join(
            self._placement(place.id, page.site, token, choices) for place, choices in pairs
        )
        share = token.join(view.share)
        head = f'{{"token":"{token}",{view.article},"placements":{{{placements}}},'
        return f"{head}{held}{share}}}".encode()

    def _placement(
        self, placement: str, site: Site, token: str, choices: tuple[Choice, ...]
    ) -> str:
        if not choices:
            return f'"{placement}":null'
        shown, *others = (
            token.join(self._piece(choice, site, placement, rank))
            for rank, choice in enumerate(choices)
        )
        if others:
            shown = f"{shown[: -len(_NO_ALTERNATES)]}[{','.join(others)}]}}"
        return f'"{placement}":{shown}'

    def _piece(self, choice: Choice, site: Site, placement: str, rank: int) -> list[str]:
        key = (choice.code, placement, rank, site.id)
        piece = self._pieces.get(key)
        if piece is None:
            if len(self._pieces) >= PIECES_MAX:
                self._pieces.clear()
            offer = shown_offer(choice, site, placement, self._public_url, _HOLE, rank)
            piece = self._pieces[key] = json.dumps(offer).split(json.dumps(_HOLE)[1:-1])
        return piece

    def _keep(self, query: str, view: PageView) -> None:
        # Two generations: what is in use survives, with no book-keeping on a hit.
        if len(self._views) >= VIEWS_MAX // 2 or self._chars >= VIEWS_CHARS_MAX // 2:
            self._older, self._views, self._chars = self._views, {}, 0
        self._views[query] = view
        self._chars += len(query) + 2 * len(view.article) + sum(map(len, view.share))

    def _read(self, query: str, plan: Plan) -> PageView:
        params = query_params(query)
        page = decision_page(params, plan.catalog)
        article = {"id": page.article.id.hex(), "url": page.article.url}
        title = clean_title(params.get("title", ""))
        share = json.dumps(share_row(plan, page, title, self._public_url, _HOLE))
        return PageView(
            page,
            touch(params),
            f'"article":{json.dumps(article)}',
            tuple(f'"share":{share}'.split(json.dumps(_HOLE)[1:-1])),
        )


def shown_offer(
    choice: Choice, site: Site, placement: str, public_url: str, token: str, rank: int = 0
) -> dict[str, object]:
    """Return one placement's creative as the decision says it; runner-ups have a rank above 0."""
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
        "click": f"{public_url}/c/{token}/{placement}" + (f"/{rank}" if rank else ""),
        "sponsored": campaign.sponsored,
        "cap": cap and {"key": campaign.id, "max": cap.max, "hours": cap.hours},
        "alternates": [],
    }


def share_row(
    plan: Plan, page: Page, title: str, public_url: str, token: str
) -> list[dict[str, str]]:
    """Return the site's share links for an article, in the site's order."""
    query = f"u={quote(page.article.url, safe='')}"
    if title:
        query += f"&t={quote(title, safe='')}"
    networks = [plan.catalog.networks[name] for name in page.site.share]
    return [
        {
            "network": network.id,
            "label": page.site.labels.share.replace("{network}", network.name),
            "url": f"{public_url}/s/{token}/{network.id}?{query}",
        }
        for network in networks
    ]


ANSWERS = web.AppKey("ANSWERS", Answers)
