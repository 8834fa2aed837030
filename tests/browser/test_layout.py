"""Nothing that a reader sees ever moves: layout shift is zero, wherever the block stands."""

import asyncio

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page, Route, expect

from tests.browser.answering import Answering
from tests.browser.publisher import FILLER, Publisher
from tests.browser.standing import NEXT_FRAME

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOOTER = "<footer style='height: 200px'>Imprint</footer>"
SHIFTS = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({type: "layout-shift", buffered: true});
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def painted(service: Answering) -> asyncio.Event:
    """Let the service decide only when the test says that the page is painted."""
    event = asyncio.Event()

    async def decide(request: web.Request) -> web.Response:
        await event.wait()
        return service.answer(service.questions[-1])

    service.decide = decide
    return event


async def open_painted(page: Page, address: str) -> None:
    """Open a page and wait until its first frame is on the screen."""
    await page.add_init_script(f"({SHIFTS})()")
    await page.goto(address)
    await page.wait_for_function("performance.getEntriesByType('paint').length > 0")
    await page.evaluate(NEXT_FRAME)


async def shift(page: Page) -> float:
    """Return all layout shift so far."""
    for _ in range(3):  # frames: to lay out, to paint, to report
        await page.evaluate(NEXT_FRAME)
    return float(await page.evaluate("window.shift"))


async def test_the_measure_would_notice(page: Page, publisher: Publisher) -> None:
    await open_painted(page, publisher.article(f"<p id=first>Text</p>{FOOTER}", head=""))
    await page.evaluate("document.querySelector('#first').style.height = '300px'")
    assert await shift(page) > 0


async def test_below_the_fold_the_block_comes_at_once(
    page: Page, publisher: Publisher, painted: asyncio.Event
) -> None:
    body = f"{FILLER}<hand-bill></hand-bill>{FOOTER}"
    await open_painted(page, publisher.article(body, head=publisher.script))
    painted.set()
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    assert await shift(page) == 0


async def test_in_view_with_nothing_after_it_the_block_comes_at_once(
    page: Page, publisher: Publisher, painted: asyncio.Event
) -> None:
    body = "<p>Short.</p><hand-bill></hand-bill>"
    await open_painted(page, publisher.article(body, head=publisher.script))
    painted.set()
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    assert await shift(page) == 0


async def test_where_the_page_reserves_room_the_block_comes_at_once(
    page: Page, publisher: Publisher, painted: asyncio.Event
) -> None:
    await open_painted(page, publisher.article(f"<hand-bill></hand-bill>{FOOTER}"))
    painted.set()
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    assert await shift(page) == 0


@pytest.mark.parametrize("after", [FOOTER, "Bare text."])
async def test_where_it_would_push_what_is_read_the_block_waits_until_it_is_out_of_view(
    page: Page, publisher: Publisher, service: Answering, painted: asyncio.Event, after: str
) -> None:
    body = f"{FILLER}<hand-bill></hand-bill>{after}"
    await open_painted(page, publisher.article(body, head=publisher.script))
    await page.evaluate("scrollTo({top: 9e9, behavior: 'instant'})")
    await page.evaluate(NEXT_FRAME)
    height = await page.evaluate("document.body.scrollHeight")
    painted.set()
    await service.has("view")
    await page.evaluate(NEXT_FRAME)
    assert await page.evaluate("document.body.scrollHeight") == height
    await page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    await service.has("view", "impression", "impression")
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    assert await shift(page) == 0


async def test_what_the_page_put_into_the_element_stays_until_then(
    page: Page, publisher: Publisher, service: Answering, painted: asyncio.Event
) -> None:
    body = f"<hand-bill><a href='/apps'>Our apps</a></hand-bill>{FOOTER}{FILLER}"
    await open_painted(page, publisher.article(body, head=publisher.script))
    painted.set()
    await service.has("view")
    await page.evaluate(NEXT_FRAME)
    await expect(page.get_by_role("link", name="Our apps")).to_be_visible()
    assert await shift(page) == 0


async def test_before_the_first_frame_the_block_may_stand_anywhere(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.add_init_script(f"({SHIFTS})()")
    styled = asyncio.Event()

    async def slow(route: Route) -> None:
        await styled.wait()
        await route.fulfill(body="footer { color: red }", content_type="text/css")

    await page.route("**/slow.css", slow)
    head = f'{publisher.script}<link rel="stylesheet" href="/slow.css">'
    going = asyncio.create_task(
        page.goto(publisher.article(f"<hand-bill></hand-bill>{FOOTER}", head=head))
    )
    await service.has("view")
    styled.set()
    await going
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    assert await shift(page) == 0
