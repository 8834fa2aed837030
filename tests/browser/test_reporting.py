"""How events reach the service: batched, once, without credentials, and in spite of hiccups."""

import pytest
from playwright.async_api import Page, Route

from tests.browser.answering import Answering
from tests.browser.publisher import CANONICAL, TITLE, Publisher
from tests.browser.standing import NEXT_FRAME, VISIBILITY, Standing

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEGUN = ("view", "impression", "impression")


def batch(events: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return events with those of one frame in a fixed order."""
    return sorted(events, key=lambda event: (event["kind"] != "view", event.get("placement", "")))


async def test_what_happens_at_about_one_time_comes_in_one_batch(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    standing = await Standing.still(page)
    await standing.open(publisher.article())
    await service.has(*BEGUN)
    await standing.passes(1_100)
    await service.has(*BEGUN, "viewable", "viewable")
    assert [batch(post) for post in service.posts] == [
        [
            {"kind": "view", "url": CANONICAL, "title": TITLE},
            {"kind": "impression", "placement": "bottom", "creative": "vs-text"},
            {"kind": "impression", "placement": "top", "creative": "vs-text"},
        ],
        [
            {"kind": "viewable", "placement": "bottom", "creative": "vs-text"},
            {"kind": "viewable", "placement": "top", "creative": "vs-text"},
        ],
    ]


async def test_a_block_that_the_page_hides_makes_no_impression_until_it_is_shown(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    hidden = "<style>hand-bill { display: none !important }</style>"
    await page.goto(publisher.article(f"<hand-bill></hand-bill>{hidden}"))
    await service.has("view")
    assert len(service.events) == 1
    await page.evaluate("document.querySelector('body style').remove()")
    await service.has(*BEGUN)


@pytest.mark.parametrize(
    ("body", "ghosts"),
    [
        ("<hand-bill></hand-bill>", ["bottom", "top"]),
        ('<hand-bill placement="top"></hand-bill><hand-bill share></hand-bill>', ["top"]),
    ],
)
async def test_a_holdout_shows_no_ad_and_reports_what_would_have_begun(
    page: Page, publisher: Publisher, service: Answering, body: str, ghosts: list[str]
) -> None:
    service.offers, service.held = {}, {"top": "vs-text", "bottom": "vs-text"}
    standing = await Standing.still(page)
    await standing.open(publisher.article(body))
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    await service.has("view", *("impression" for _ in ghosts))
    await standing.passes(1_100)
    assert batch(service.events[1:]) == [
        {"kind": "impression", "placement": name, "creative": "vs-text"} for name in ghosts
    ]
    assert await page.locator("hand-bill aside").count() == 0


@pytest.mark.parametrize("last", ["visibilitychange", "pagehide", "leaving"])
async def test_what_waits_is_sent_when_the_page_is_hidden_or_left(
    page: Page, publisher: Publisher, service: Answering, last: str
) -> None:
    await Standing.still(page)  # so nothing else can send it
    await page.goto(publisher.article())
    await page.locator("hand-bill aside").first.wait_for()
    await page.evaluate(NEXT_FRAME)
    assert service.events == []
    if last == "visibilitychange":
        await page.evaluate(VISIBILITY, "hidden")
    elif last == "pagehide":
        await page.evaluate("dispatchEvent(new Event('pagehide'))")
    else:
        await page.goto("about:blank")
    await service.has(*BEGUN)


async def test_without_keepalive_the_last_events_go_by_beacon(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.add_init_script("delete Request.prototype.keepalive")
    await Standing.still(page)
    await page.goto(publisher.article())
    await page.locator("hand-bill aside").first.wait_for()
    async with page.expect_request(lambda request: request.resource_type == "ping") as beacon:
        await page.evaluate(VISIBILITY, "hidden")
    assert (await beacon.value).url == f"{service.origin}/v1/events"
    await service.when(lambda: bool(service.events))


async def test_a_service_that_is_busy_gets_the_same_events_again(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.refusals = [503]
    await page.goto(publisher.article())
    await service.has(*BEGUN)
    first, again = service.posts[:2]
    assert again[: len(first)] == first


async def test_a_service_that_cannot_be_reached_gets_the_events_later(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    tries = 0

    async def twice_cut(route: Route) -> None:
        nonlocal tries
        tries += 1
        await (route.abort() if tries <= 2 else route.continue_())

    standing = await Standing.still(page)
    await page.route("**/v1/events", twice_cut)
    await page.goto(publisher.article())
    await page.locator("hand-bill aside").first.wait_for()
    while not service.events:
        await standing.passes(100)
        await standing.hears()  # what happens meanwhile would not wait for this batch's retry
    assert tries == 3
    assert [event["kind"] for event in service.events][:3] == list(BEGUN)


async def test_after_three_retries_the_events_are_let_go(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.refusals = [503] * 6
    standing = await Standing.still(page)
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    while len(service.posts) < 4:
        await standing.passes(1_000)
    for _ in range(5):
        await page.evaluate(NEXT_FRAME)
        await standing.passes(60_000)
    assert len(service.posts) == 4


async def test_a_retry_waits_a_while(page: Page, publisher: Publisher, service: Answering) -> None:
    service.refusals = [503]
    standing = await Standing.still(page)
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    async with page.expect_response("**/v1/events"):
        await standing.passes(100)
    await page.evaluate(NEXT_FRAME)
    await standing.passes(499)  # a second, give or take a half
    assert len(service.posts) == 1
    await standing.passes(1_001)
    await service.has("view")


async def test_a_refused_batch_is_not_sent_again(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.refusals = [400]
    standing = await Standing.still(page)
    await standing.open(publisher.article())
    await service.when(lambda: len(service.posts) == 1)
    await page.evaluate(NEXT_FRAME)
    await standing.passes(60_000)
    await service.has("viewable", "viewable")
    assert len(service.posts) == 2


async def test_copying_the_link_is_a_share_and_says_so_once(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    address = f"{CANONICAL}?utm_source=copy&hb=14.1"
    service.share.append(service.link("Copy", address))
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    button = page.get_by_role("button", name="Share on Copy")
    await button.click()
    await page.get_by_role("status").get_by_text("✓").wait_for()
    await button.click()
    assert await page.evaluate("navigator.clipboard.readText()") == address
    await service.has("view", "share")
    assert service.events[1] == {"kind": "share", "network": "copy"}


async def test_a_share_sheet_that_the_reader_closes_is_no_share(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.add_init_script(
        """
        window.asked = [];
        navigator.share = async (what) => {
          window.asked.push(what);
          if (window.asked.length === 1) throw new DOMException("", "AbortError");
        };
        """
    )
    service.share = [service.link("Native", CANONICAL)]
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    button = page.get_by_role("button", name="Share on Native")
    await button.click()
    await service.has("view")
    await button.click()
    await service.has("view", "share")
    assert await page.evaluate("asked") == [{"title": TITLE, "url": CANONICAL}] * 2


async def test_ways_that_the_browser_does_not_have_are_not_offered(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.share = [service.link("Native"), service.link("Reddit")]
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    assert await page.locator("hand-bill li").count() == 1
