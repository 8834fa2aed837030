"""What the script asks the service: once for a page view, and only what it knows."""

import asyncio

import pytest
from playwright.async_api import Browser, Page

from service.domain.audience import Platform
from service.domain.tokens import PREVIEW, Token
from tests.browser.answering import Answering
from tests.browser.publisher import CANONICAL, ROOM, TITLE, Publisher
from tests.example import NOW_MS, SIGNER, SITE

pytestmark = pytest.mark.asyncio(loop_scope="session")

IPAD = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15"
Question = dict[str, str]
USUAL: Question = {"site": "example", "url": CANONICAL, "title": TITLE, "lang": "en-GB"}
PREVIEWED = SIGNER.sign(
    Token(NOW_MS, 0, 0, SITE.code, bytes(8), Platform.UNKNOWN, preview=True), PREVIEW
)


async def test_a_whole_block_asks_for_the_sites_usual_placements(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article())
    await service.has("view", "impression", "impression")
    assert service.questions == [USUAL]


async def test_placements_apart_are_asked_for_in_one_request(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    body = (
        '<hand-bill placement="bottom"></hand-bill><hand-bill placement="top"></hand-bill>'
        '<hand-bill share></hand-bill><hand-bill placement="top"></hand-bill>'
    )
    await page.goto(publisher.article(body))
    await service.has("view", "impression", "impression")
    assert service.questions == [{**USUAL, "placements": "bottom,top"}]


async def test_a_share_row_alone_asks_for_no_placement(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article("<hand-bill share></hand-bill>"))
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    await service.has("view")
    assert service.questions == [{**USUAL, "placements": ""}]


@pytest.mark.parametrize(
    ("search", "source"),
    [
        ("?hb=3.1", "3.1"),
        ("?utm_source=reddit&hb=15.255#comments", "15.255"),
        ("?hb=16.1", None),
        ("?hb=3.256", None),
        ("?hb=0.1", None),
        ("?hb=3.1x", None),
        ("?hb=", None),
        ("?nothb=3.1", None),
    ],
)
async def test_a_reader_who_came_by_a_share_says_so_and_a_garbled_tag_is_left_out(
    page: Page, publisher: Publisher, service: Answering, search: str, source: str | None
) -> None:
    await page.goto(publisher.article() + search)
    await service.has("view", "impression", "impression")
    assert service.questions == [USUAL | ({"from": source} if source else {})]


@pytest.mark.parametrize(
    ("search", "preview"), [(f"?hb=preview.{PREVIEWED}", PREVIEWED), ("?hb=preview.a/b", None)]
)
async def test_a_preview_link_hands_its_token_on(
    page: Page, publisher: Publisher, service: Answering, search: str, preview: str | None
) -> None:
    await page.goto(publisher.article() + search)
    await service.has("view", "impression", "impression")
    assert service.questions == [USUAL | ({"preview": preview} if preview else {})]


@pytest.mark.parametrize(
    ("metas", "said"),
    [
        (("section", "Arts, Life"), {"section": "Arts, Life"}),
        (("tag", "World Cup", "tag", "football"), {"tags": "World Cup,football"}),
        (("tag", "1, 2", "section", "x" * 61), {"tags": "1  2", "section": "x" * 60}),
        (("tag", "y" * 61) * 11, {"tags": ",".join(["y" * 60] * 10)}),
        (("section", ""), {}),
    ],
)  # fmt: skip
async def test_a_page_says_its_section_and_tags_in_meta_elements(
    page: Page, publisher: Publisher, service: Answering, metas: tuple[str, ...], said: Question
) -> None:
    pairs = zip(metas[::2], metas[1::2], strict=True)
    head = "".join(f'<meta property="article:{name}" content="{text}">' for name, text in pairs)
    await page.goto(publisher.article(head=head + publisher.script))
    await service.has("view")
    assert service.questions == [USUAL | said]


@pytest.mark.parametrize(
    ("lang", "said"), [("en_US", "en_US"), ("zh-Hant-TW", "zh-Hant-TW"), ("english", None)]
)
async def test_a_language_that_is_none_is_left_out(
    page: Page, publisher: Publisher, service: Answering, lang: str, said: str | None
) -> None:
    named = f"<script>document.documentElement.lang = {lang!r}</script>"
    await page.goto(publisher.article(head=named + publisher.script))
    await service.has("view")
    assert service.questions[0].get("lang") == said


@pytest.mark.parametrize("touch", [True, False])
async def test_a_macintosh_with_a_touch_screen_says_so(
    browser: Browser, publisher: Publisher, service: Answering, touch: bool
) -> None:
    context = await browser.new_context(user_agent=IPAD, has_touch=touch)
    page = await context.new_page()
    if touch:  # emulation has one touch point, an iPad five
        await page.add_init_script("Object.defineProperty(navigator, 'maxTouchPoints', {value: 5})")
    await page.goto(publisher.article())
    await service.when(lambda: bool(service.questions))
    assert service.questions == [USUAL | ({"touch": "1"} if touch else {})]
    await context.close()


async def test_without_a_canonical_link_the_pages_own_address_counts(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    undo = "<script>document.querySelector('link[rel=canonical]').remove()</script>"
    await page.goto(publisher.article(head=undo + publisher.script))
    await service.when(lambda: bool(service.questions))
    assert service.questions[0]["url"] == page.url


async def test_the_headline_is_the_title_without_the_sites_name(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    meta = '<meta property="og:title" content="The headline \U0001f5de &amp; more">'
    await page.goto(publisher.article(head=meta + publisher.script))
    events = await service.has("view")
    assert service.questions[0]["title"] == events[0]["title"] == "The headline \U0001f5de & more"


async def test_a_title_cut_within_a_character_still_arrives(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    meta = f'<meta property="og:title" content="{"x" * 199}\U0001f5de">'
    await page.goto(publisher.article(head=meta + publisher.script))
    events = await service.has("view")
    assert events[0]["title"] == "x" * 199 + "\ufffd"


@pytest.mark.parametrize("where", ["before", "after", "late", "module", "twice"])
async def test_it_does_not_matter_where_and_how_often_the_script_stands(
    page: Page, publisher: Publisher, service: Answering, where: str
) -> None:
    element, script = "<hand-bill></hand-bill>", publisher.script
    body = {
        "before": script + element,
        "after": element + script,
        "late": element,
        "module": element + script.replace("async", "type=module"),
        "twice": script + element + script,
    }[where]
    await page.goto(publisher.article(body, head=ROOM))
    if where == "late":
        await page.evaluate(
            """async (src) => {
              const load = (data) => new Promise((done) => {
                const script = Object.assign(document.createElement("script"), {src, onload: done});
                Object.assign(script.dataset, data);
                document.head.append(script);
              });
              await load({}); // names no site, so it does nothing
              await load({site: "example"});
            }""",
            f"{service.origin}/embed.js",
        )
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    await service.has("view", "impression", "impression")
    assert len(service.questions) == 1


async def test_an_element_that_comes_later_is_filled_from_the_same_decision(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article('<hand-bill placement="top"></hand-bill>'))
    await page.locator("hand-bill aside").wait_for()
    await page.evaluate(
        """() => {
          const row = document.createElement("hand-bill");
          row.setAttribute("share", "");
          document.body.append(row);
          document.body.append(document.querySelector("hand-bill")); // moved, not filled again
        }"""
    )
    await page.get_by_role("link", name="Share on Reddit").wait_for()
    assert await page.locator("hand-bill aside").count() == 1
    assert len(service.questions) == 1


async def test_an_element_that_was_away_when_the_decision_came_is_filled_when_it_is_back(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    away = "<script>window.away = document.querySelector('hand-bill'); away.remove()</script>"
    body = f"{publisher.script.replace(' async', '')}<hand-bill></hand-bill>{away}"
    await page.goto(publisher.article(body, head=ROOM))
    await service.has("view")
    await page.evaluate("document.body.append(away)")
    await service.has("view", "impression", "impression")
    assert await page.locator("hand-bill aside").count() == 2


async def test_a_page_in_the_background_asks_when_it_is_first_seen(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.add_init_script(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', writable: true})"
    )
    await page.goto(publisher.article())
    await page.evaluate("customElements.whenDefined('hand-bill')")
    assert service.questions == []
    await page.evaluate(
        """() => {
          document.visibilityState = "visible";
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    await service.has("view", "impression", "impression")
    assert len(service.questions) == 1


async def test_a_page_without_a_block_asks_nothing(
    page: Page, publisher: Publisher, service: Answering
) -> None:
    await page.goto(publisher.article("<p>No block.</p>"))
    await page.evaluate("customElements.whenDefined('hand-bill')")
    await asyncio.sleep(0)
    assert service.questions == []
