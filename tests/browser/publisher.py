"""A publisher's site on loopback: each article is a page with the script in it, as pasted."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

CANONICAL = "https://news.example/world/summit"
TITLE = "Summit ends with a plan"
ROOM = "<style>hand-bill { display: block; min-height: 20em }</style>"
FILLER = '<p style="height: 3000px">The article.</p>'


@dataclass
class Publisher:
    """The site; `service` is where its pages load the script from."""

    service: str
    origin: str = ""
    _pages: dict[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)

    @classmethod
    @asynccontextmanager
    async def running(cls, service: str) -> AsyncIterator["Publisher"]:
        """Serve until the block ends."""
        publisher = cls(service)
        app = web.Application()
        app.router.add_get("/{page}", publisher._answer)
        async with TestServer(app) as server:
            publisher.origin = str(server.make_url("")).rstrip("/")
            yield publisher

    @property
    def script(self) -> str:
        """The tag that a publisher pastes."""
        return f'<script async src="{self.service}/embed.js" data-site="example"></script>'

    def article(
        self,
        body: str = "<hand-bill></hand-bill>",
        *,
        head: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Return the address of an article; its head has `ROOM` and the script unless told."""
        html = (
            f'<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>{TITLE}</title>'
            f'<link rel="canonical" href="{CANONICAL}">'
            f"{ROOM + self.script if head is None else head}</head><body>{body}</body></html>"
        )
        path = f"/{len(self._pages)}"
        self._pages[path] = html, headers or {}
        return self.origin + path

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path not in self._pages:
            raise web.HTTPNotFound
        html, headers = self._pages[request.path]
        return web.Response(text=html, content_type="text/html", headers=headers)
