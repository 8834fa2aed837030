"""What the script leaves in the browser (nothing), and the strictest policies it works under."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.answering import Answering
from tests.browser.publisher import Publisher

pytestmark = pytest.mark.asyncio(loop_scope="session")

STORED = """async () => [
  document.cookie, localStorage.length, sessionStorage.length,
  (await indexedDB.databases()).length, (await caches.keys()).length,
]"""


async def test_nothing_is_stored_in_the_browser(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article())
    await service.has("view", "impression", "impression", "viewable", "viewable")
    assert await page.evaluate(STORED) == ["", 0, 0, 0, 0]
    assert await page.context.cookies() == []


async def test_nobody_but_the_service_is_asked(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(publisher.article())
    await service.has("view", "impression", "impression", "viewable", "viewable")
    await page.evaluate("0")  # what the browser tells of its requests has arrived
    paths = [url.partition("?")[0].removeprefix(service.origin) for url in asked[1:]]
    assert paths == ["/embed.js", "/v1/decision", *["/v1/events"] * (len(paths) - 2)]


async def test_no_credentials_go_along_and_events_outlive_the_page(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    # The service sets no cookie; something else on its host may. `Answering` refuses to see one.
    await page.context.add_cookies([{"name": "other", "value": "1", "url": service.origin}])
    await page.add_init_script(
        """
        window.asked = [];
        const fetched = window.fetch;
        window.fetch = (url, options) => {
          const {credentials, keepalive} = new Request(url, options);
          window.asked.push([credentials, keepalive]);
          return fetched(url, options);
        };
        """
    )
    await page.goto(publisher.article())
    await service.has("view", "impression", "impression")
    decision, *events = await page.evaluate("asked")
    assert decision == ["omit", False]
    assert {tuple(event) for event in events} == {("omit", True)}


async def test_the_strictest_policy_with_trusted_types_is_enough(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    policy = (
        f"default-src 'none'; script-src {service.origin}; connect-src {service.origin};"
        " base-uri 'none'; form-action 'none'; trusted-types 'none';"
        " require-trusted-types-for 'script'"
    )
    await page.add_init_script(
        """
        window.violations = [];
        addEventListener("securitypolicyviolation", (event) => {
          window.violations.push(event.violatedDirective);
        });
        """
    )
    address = publisher.article(head=publisher.script, headers={"Content-Security-Policy": policy})
    await page.goto(address)
    await service.has("view", "impression", "impression")
    assert await page.evaluate("violations") == []
    await expect(page.locator("hand-bill li").first).to_have_css("display", "inline-block")


async def test_names_that_a_page_shadows_do_not_mislead_the_script(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    body = '<img name="currentScript" src="http://127.0.0.1:9/x/"><hand-bill></hand-bill>'
    await page.goto(publisher.article(body + publisher.script, head=""))
    await service.has("view", "impression", "impression")
