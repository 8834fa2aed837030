"""When the service is gone, wrong or slow, the page is as it was."""

import asyncio

import pytest
from aiohttp import web
from playwright.async_api import ConsoleMessage, Page

from tests.browser.answering import Answer, Answering
from tests.browser.publisher import Publisher
from tests.browser.standing import NEXT_FRAME

pytestmark = pytest.mark.asyncio(loop_scope="session")

CORS = {"Access-Control-Allow-Origin": "*"}


async def fails(request: web.Request) -> web.Response:
    return web.Response(status=500, headers=CORS)


async def refuses(request: web.Request) -> web.Response:
    return web.json_response({"status": 403}, status=403)  # and no CORS, as for a strange origin


async def babbles(request: web.Request) -> web.Response:
    return web.Response(text="<html>not JSON", headers=CORS)


async def answers_nothing(request: web.Request) -> web.Response:
    return web.json_response(None, headers=CORS)


async def answers_another_shape(request: web.Request) -> web.Response:
    return web.json_response({"article": None, "placements": {"top": 7}}, headers=CORS)


async def hangs_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def untouched(page: Page, before: str) -> bool:
    """Say whether the page's elements are what its author wrote."""
    element = page.locator("hand-bill")
    return (
        await page.content() == before
        and await element.evaluate("element => element.shadowRoot") is None
    )


@pytest.mark.parametrize(
    "decide", [fails, refuses, babbles, answers_nothing, answers_another_shape, hangs_up]
)
async def test_a_service_in_trouble_leaves_the_page_as_it_was(
    page: Page, publisher: Publisher, service: Answering, decide: Answer
) -> None:
    complaints: list[ConsoleMessage] = []
    page.on("console", lambda message: complaints.append(message))  # noqa: PLW0108  playwright marks it
    service.decide = decide
    await page.goto(publisher.article("<p>Article.</p><hand-bill></hand-bill><p>More.</p>"))
    before = await page.content()
    await service.when(lambda: bool(service.questions))
    for _ in range(3):
        await page.evaluate(NEXT_FRAME)
    assert await untouched(page, before)
    assert len(complaints) <= 2  # the browser's own lines about the request
    assert len(service.questions) == 1


async def test_a_service_that_hangs_holds_up_nothing(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    released = asyncio.Event()

    async def hangs(request: web.Request) -> web.Response:
        await released.wait()
        return service.answer(service.questions[-1])

    service.decide = hangs
    await page.goto(publisher.article())  # waits for the page's load event
    before = await page.content()
    await service.when(lambda: bool(service.questions))
    assert await untouched(page, before)
    released.set()
    await page.locator("hand-bill aside").first.wait_for()


async def test_a_script_that_cannot_be_loaded_leaves_the_page_as_it_was(
    page: Page, publisher: Publisher
) -> None:
    head = '<script async src="http://127.0.0.1:9/embed.js" data-site="example"></script>'
    await page.goto(publisher.article(head=head))
    assert await untouched(page, await page.content())


async def test_links_that_were_rendered_stay_when_the_service_is_gone(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.route("**/v1/events", lambda route: route.abort())
    await page.goto(publisher.article())
    links = page.locator("hand-bill a")
    await links.first.wait_for()
    await page.evaluate(NEXT_FRAME)
    assert await links.count() == 6
