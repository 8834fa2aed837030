"""A page whose clock stands until a test moves it, so that a second is exactly a second."""

import asyncio
import json
from dataclasses import dataclass, field

from playwright.async_api import Page, Request

# An observer made now reports in the next frame, after those that were there before it.
NEXT_FRAME = """() => new Promise((done) => {
  new IntersectionObserver((_, observer) => {
    observer.disconnect();
    done();
  }).observe(document.body);
})"""
VISIBILITY = """(state) => {
  Object.defineProperty(document, "visibilityState", {value: state, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass
class Standing:
    """The page and the kinds of events it has sent, whatever became of them."""

    page: Page
    sent: list[str] = field(default_factory=list)
    _unanswered: set[Request] = field(default_factory=set)

    @classmethod
    async def still(cls, page: Page) -> "Standing":
        """Stop the clock of the pages that this tab will open."""
        standing = cls(page)
        page.on("request", standing._note)
        page.on("requestfinished", standing._ended)
        page.on("requestfailed", standing._ended)
        await page.clock.install(time=0)
        await page.clock.pause_at(1_000)
        return standing

    async def open(self, address: str) -> None:
        """Open a page and let its first batch go."""
        await self.page.goto(address)
        await self.page.locator("hand-bill section").first.wait_for(state="attached")
        await self.page.evaluate(NEXT_FRAME)
        await self.passes(100)

    async def passes(self, milliseconds: int) -> None:
        """Let time pass."""
        await self.page.clock.run_for(milliseconds)

    async def hears(self) -> None:
        """Wait until no batch that was sent still waits to be answered or to fail."""
        while self._unanswered:
            await asyncio.sleep(0.01)

    async def scroll_to_show(self, share: float) -> None:
        """Scroll until that share of the first ad is in view at the bottom of the window."""
        await self.page.evaluate(
            """(share) => {
              const ad = document.querySelector("hand-bill").shadowRoot.querySelector("aside");
              const {top, height} = ad.getBoundingClientRect();
              scrollBy({top: top + height * share - innerHeight, behavior: "instant"});
            }""",
            share,
        )
        await self.page.evaluate(NEXT_FRAME)

    async def becomes(self, visibility: str) -> None:
        """Hide or show the page."""
        await self.page.evaluate(VISIBILITY, visibility)

    def _note(self, request: Request) -> None:
        if request.url.endswith("/v1/events"):
            events = json.loads(request.post_data or "")["events"]
            self.sent += [event["kind"] for event in events]
            self._unanswered.add(request)

    def _ended(self, request: Request) -> None:
        self._unanswered.discard(request)
