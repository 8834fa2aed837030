"""What the block looks like to readers, to screen readers and to the page around it."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.answering import Answering
from tests.browser.publisher import Publisher

pytestmark = pytest.mark.asyncio(loop_scope="session")

AD = "Advertisement: Download Vital Signs App (VS App)"
ROW = "Share on Facebook «||» Share on Twitter «||» Share on Reddit «||» Share on LinkedIn"


async def lines(page: Page) -> list[str]:
    """Return the text of the page's advertisements and share rows, in order."""
    parts = page.locator("hand-bill section > *")
    await parts.first.wait_for()
    return [" ".join(text.split()) for text in await parts.all_text_contents()]


async def test_the_block_is_an_ad_the_share_row_and_an_ad(page: Page, publisher: Publisher) -> None:
    await page.goto(publisher.article())
    assert await lines(page) == [AD, ROW, AD]


async def test_a_screen_reader_hears_ads_and_a_list_and_no_separators(
    page: Page, publisher: Publisher
) -> None:
    await page.goto(publisher.article())
    await expect(page.locator("hand-bill")).to_match_aria_snapshot(
        """
        - complementary "Advertisement":
          - paragraph:
            - text: "Advertisement:"
            - link "Download Vital Signs App (VS App)"
        - list:
          - listitem:
            - link "Share on Facebook"
          - listitem:
            - link "Share on Twitter"
          - listitem:
            - link "Share on Reddit"
          - listitem:
            - link "Share on LinkedIn"
        - complementary "Advertisement":
          - paragraph:
            - text: "Advertisement:"
            - link "Download Vital Signs App (VS App)"
        """
    )
    assert "«" not in await page.locator("hand-bill").aria_snapshot()


async def test_links_are_plain_and_lead_to_the_service(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.offers["top"] = service.offer("top", sponsored=True)
    await page.goto(publisher.article())
    links = page.locator("hand-bill a")
    await links.first.wait_for()
    found = [
        (await link.get_attribute("href"), await link.get_attribute("rel"))
        for link in await links.all()
    ]
    assert found == [
        (f"{service.origin}/c/token/top", "sponsored noopener"),
        *((entry["url"], "nofollow noopener") for entry in service.share),
        (f"{service.origin}/c/token/bottom", "noopener"),
    ]
    assert await page.locator("hand-bill [target]").count() == 0


async def test_ads_and_share_row_can_stand_apart(page: Page, publisher: Publisher) -> None:
    body = (
        '<hand-bill placement="bottom"></hand-bill><p>The article.</p>'
        '<hand-bill share></hand-bill><hand-bill placement="top" share></hand-bill>'
    )
    await page.goto(publisher.article(body))
    assert await lines(page) == [AD, ROW, AD, ROW]


async def test_a_second_block_repeats_no_ad(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article("<hand-bill></hand-bill><hand-bill></hand-bill>"))
    assert await lines(page) == [AD, ROW, AD, ROW]
    assert len(service.questions) == 1


async def test_a_placement_with_nothing_to_show_renders_nothing(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    service.offers = {"top": None, "bottom": None}
    body = '<hand-bill placement="top"></hand-bill><hand-bill></hand-bill>'
    await page.goto(publisher.article(body))
    assert await lines(page) == [ROW]
    empty = page.locator("hand-bill").first
    assert await empty.evaluate("element => element.shadowRoot") is None


async def test_picture_text_and_button_are_shown_where_there_are_any(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    image = {"url": f"{service.origin}/a.png", "width": 320, "height": 50, "alt": "A heart"}
    service.offers["top"] = service.offer("top", body="Measured.", cta="Get it", image=image)
    await page.goto(publisher.article('<hand-bill placement="top"></hand-bill>'))
    picture = page.get_by_alt_text("A heart")
    await picture.wait_for()
    assert await picture.bounding_box() is not None
    # The room is there before, and without, the picture's bytes.
    assert await picture.evaluate("image => [image.width, image.height]") == [320, 50]
    await expect(page.get_by_text("Measured.")).to_be_visible()
    await expect(page.get_by_role("link", name="Get it")).to_be_visible()


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:,x", "//x"],
)
async def test_only_web_addresses_become_links(
    page: Page, publisher: Publisher, service: Answering, address: str
) -> None:
    image = {"url": address, "width": 32, "height": 50, "alt": "A heart"}
    service.offers["top"] = service.offer("top", click=address)
    service.offers["bottom"] = service.offer("bottom", image=image)
    service.share[1] = service.link("Twitter", address)
    await page.goto(publisher.article())
    assert await lines(page) == [AD, ROW.replace("Share on Twitter «||» ", "")]
    assert await page.locator("hand-bill img").count() == 0


async def test_words_of_the_service_never_become_markup(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    headline = "<img src=x onerror=alert(1)>&amp;"
    service.offers["top"] = service.offer("top", headline=headline)
    await page.goto(publisher.article('<hand-bill placement="top"></hand-bill>'))
    assert await lines(page) == [f"Advertisement: {headline}"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_block_has_the_colour_and_font_of_the_page(
    page: Page, publisher: Publisher, scheme: str
) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    style = (
        "<style>:root { color-scheme: light dark } body { font-family: monospace;"
        " color: light-dark(rgb(20, 30, 40), rgb(230, 240, 250)) }</style>"
    )
    await page.goto(publisher.article(head=style + publisher.script))
    link = page.locator("hand-bill a").first
    color = "rgb(20, 30, 40)" if scheme == "light" else "rgb(230, 240, 250)"
    await expect(link).to_have_css("color", color)
    await expect(link).to_have_css("font-family", "monospace")


async def test_share_links_are_large_enough_for_a_thumb(page: Page, publisher: Publisher) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(publisher.article())
    items = page.locator("hand-bill li")
    await items.first.wait_for()
    boxes = [await item.bounding_box() for item in await items.all()]
    assert all(box and box["height"] >= 24 for box in boxes)
    assert all(box and box["x"] + box["width"] <= 320 for box in boxes)
