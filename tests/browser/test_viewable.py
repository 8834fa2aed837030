"""The MRC's viewable impression: half of the pixels for one continuous second, page visible."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.answering import Answering
from tests.browser.publisher import FILLER, Publisher
from tests.browser.standing import Standing

pytestmark = pytest.mark.asyncio(loop_scope="session")

BELOW = f'{FILLER}<hand-bill placement="top"></hand-bill>{FILLER}'
BEGUN = ["view", "impression"]
VIEWED = ["view", "impression", "viewable"]
BATCH_MS = 100


@pytest_asyncio.fixture(loop_scope="session")
async def standing(page: Page, publisher: Publisher) -> Standing:
    """Open an article with one ad below the fold."""
    standing = await Standing.still(page)
    await standing.open(publisher.article(BELOW))
    assert standing.sent == BEGUN  # rendered, not seen
    return standing


async def test_an_ad_is_viewable_after_one_second_in_view(standing: Standing) -> None:
    await standing.scroll_to_show(1)
    await standing.passes(1_000 + BATCH_MS)
    assert standing.sent == VIEWED


async def test_an_ad_below_the_fold_is_never_viewable(standing: Standing) -> None:
    await standing.passes(60_000)
    assert standing.sent == BEGUN


async def test_a_moment_less_than_a_second_is_not_enough(standing: Standing) -> None:
    await standing.scroll_to_show(1)
    await standing.passes(999)
    await standing.scroll_to_show(0)
    await standing.passes(60_000)
    assert standing.sent == BEGUN


async def test_seconds_do_not_add_up(standing: Standing) -> None:
    for _ in range(3):
        await standing.scroll_to_show(1)
        await standing.passes(900)
        await standing.scroll_to_show(0)
        await standing.passes(900)
    assert standing.sent == BEGUN
    await standing.scroll_to_show(1)
    await standing.passes(1_000 + BATCH_MS)
    assert standing.sent == VIEWED


async def test_less_than_half_of_an_ad_is_not_enough(standing: Standing) -> None:
    await standing.scroll_to_show(0.45)
    await standing.passes(60_000)
    assert standing.sent == BEGUN
    await standing.scroll_to_show(0.55)
    await standing.passes(1_000 + BATCH_MS)
    assert standing.sent == VIEWED


async def test_scrolling_within_view_does_not_stop_the_second(standing: Standing) -> None:
    await standing.scroll_to_show(0.6)
    await standing.passes(600)
    await standing.scroll_to_show(1)
    await standing.passes(400 + BATCH_MS)
    assert standing.sent == VIEWED


async def test_a_hidden_page_stops_the_second_which_then_begins_anew(standing: Standing) -> None:
    await standing.scroll_to_show(1)
    await standing.passes(900)
    await standing.becomes("hidden")
    await standing.passes(60_000)
    await standing.becomes("visible")
    await standing.passes(999)
    assert standing.sent == BEGUN
    await standing.passes(1 + BATCH_MS)
    assert standing.sent == VIEWED


async def test_an_ad_is_viewable_once(standing: Standing) -> None:
    for _ in range(2):
        await standing.scroll_to_show(1)
        await standing.passes(5_000)
        await standing.scroll_to_show(0)
        await standing.becomes("hidden")
        await standing.becomes("visible")
    assert standing.sent == VIEWED


@pytest.mark.parametrize(("height", "viewable"), [(170, False), (260, True)])
async def test_of_a_large_ad_thirty_per_cent_are_enough(
    page: Page, publisher: Publisher, service: Answering, height: int, viewable: bool
) -> None:
    # 970 wide: with its margins below or above 242,500 square pixels, the MRC's measure.
    image = {"url": f"{service.origin}/a.png", "width": 970, "height": height, "alt": "A heart"}
    service.offers["top"] = service.offer("top", image=image)
    standing = await Standing.still(page)
    await standing.open(publisher.article(BELOW))
    await standing.scroll_to_show(0.35)
    await standing.passes(1_000 + BATCH_MS)
    assert standing.sent == (VIEWED if viewable else BEGUN)


async def test_by_a_real_clock_a_second_has_passed(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    loop = asyncio.get_running_loop()
    await page.goto(publisher.article('<hand-bill placement="top"></hand-bill>'))
    await service.when(lambda: bool(service.questions))
    asked = loop.time()
    await service.has(*VIEWED)
    assert loop.time() - asked >= 1
