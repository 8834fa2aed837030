"""A service that answers what a test says; it reads what it is asked with the service's own code.

What the real one would refuse is refused here too, so no test can agree on a wrong request.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from service.domain.audience import Platform
from service.domain.tokens import Offer, Token
from service.web import embed
from service.web.bodies import events_body
from service.web.params import decision_page, query_params
from tests.example import BOTTOM, CATALOG, CREATIVE, NOW_MS, SIGNER, TOP

WAIT_S = 10.0
_CORS = {"Access-Control-Allow-Origin": "*"}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Answering:
    """The service; tests change what it offers, holds out, decides and refuses beforehand."""

    origin: str = ""
    offers: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)  # what a holdout would have shown
    share: list[dict[str, str]] = field(default_factory=list)
    decide: Answer | None = None
    refusals: list[int] = field(default_factory=list)  # statuses for the next posts
    questions: list[dict[str, str]] = field(default_factory=list)
    posts: list[list[dict[str, str]]] = field(default_factory=list)  # refused ones too
    events: list[dict[str, str]] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["Answering"]:
        """Serve the example's usual answer until the block ends."""
        service = cls()
        app = web.Application()
        app.router.add_get("/embed.js", embed.embed_alias)
        app.router.add_get("/v1/decision", service._decision)
        app.router.add_post("/v1/events", service._events)
        async with TestServer(app) as server:
            service.origin = str(server.make_url("")).rstrip("/")
            service.offers = {name: service.offer(name) for name in ("top", "bottom")}
            names = ("Facebook", "Twitter", "Reddit", "LinkedIn")
            service.share = [service.link(name) for name in names]
            yield service

    def offer(self, placement: str, **changes: Any) -> dict[str, Any]:
        """Return a placement's offer with these changes."""
        return {
            "campaign": "vital-signs",
            "creative": CREATIVE.id,
            "label": "Advertisement",
            "headline": CREATIVE.headline,
            "body": None,
            "cta": None,
            "image": None,
            "click": f"{self.origin}/c/token/{placement}",
            "sponsored": False,
            "cap": None,
            "alternates": [],
            **changes,
        }

    def link(self, name: str, url: str | None = None) -> dict[str, str]:
        """Return a network's entry of the share row."""
        network = name.lower()
        url = url or f"{self.origin}/s/token/{network}?u=https%3A%2F%2Fnews.example%2F"
        return {"network": network, "label": f"Share on {name}", "url": url}

    def answer(self, question: Mapping[str, str]) -> web.Response:
        """Return the decision as the service writes it."""
        page = decision_page(question, CATALOG)
        wanted = [placement.id for placement in page.placements]
        decision: dict[str, Any] = {
            "token": _token(page.article.id),
            "article": {"id": page.article.id.hex(), "url": page.article.url},
            "placements": {name: self.offers.get(name) for name in wanted},
            "share": self.share,
        }
        if self.held:
            decision["held"] = self.held
        return web.json_response(decision, headers=_CORS)

    async def has(self, *kinds: str) -> list[dict[str, str]]:
        """Return the events so far once they began with these kinds, in this order."""
        await self.when(lambda: len(self.events) >= len(kinds))
        assert tuple(event["kind"] for event in self.events[: len(kinds)]) == kinds
        return self.events

    async def when(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds of what was asked or posted."""
        async with asyncio.timeout(WAIT_S), self._changed:
            await self._changed.wait_for(holds)

    async def _decision(self, request: web.Request) -> web.StreamResponse:
        question = query_params(request.rel_url.raw_query_string)
        async with self._changed:
            self.questions.append(question)
            self._changed.notify_all()
        if self.decide is not None:
            return await self.decide(request)
        return self.answer(question)

    async def _events(self, request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"  # anything else would need a preflight
        assert "Cookie" not in request.headers
        body = await request.read()
        events_body(body)
        events = json.loads(body)["events"]
        async with self._changed:
            self.posts.append(events)
            status = self.refusals.pop(0) if self.refusals else HTTPStatus.NO_CONTENT
            if status == HTTPStatus.NO_CONTENT:
                self.events.extend(events)
            self._changed.notify_all()
        return web.Response(status=status, headers=_CORS)


def _token(article: bytes) -> str:
    offers = tuple(Offer(place.code, CREATIVE.code, 65_535) for place in (TOP, BOTTOM))
    site = CATALOG.sites["example"].code
    return SIGNER.sign(Token(NOW_MS, 7, 1, site, article, Platform.DESKTOP, offers=offers))
