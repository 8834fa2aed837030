"""The main job in a browser: a real service process, a page, a reader, and the numbers after."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from playwright.async_api import Browser, Page, expect

from tests.browser.publisher import CANONICAL, Publisher
from tests.commands import command
from tests.serving import Serving, copied_config, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNTED_WITHIN_S = 10.0
SETTLED_S = 0.5  # events wait a tenth of a second for others, and a commit before
AD = "Advertisement: Download Vital Signs App (VS App)"
ROW = "Share on Facebook «||» Share on Twitter «||» Share on Reddit «||» Share on LinkedIn"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36"
)


@dataclass
class House:
    """A running service and a publisher whose pages it may decide for."""

    serving: Serving
    publisher: Publisher
    config: Path

    async def settled(self, *dimensions: str) -> Counter[tuple[str, ...]]:
        """Return the counts once what earlier tests did is among them: twice the same."""
        found = await self.counts(*dimensions)
        while True:
            await asyncio.sleep(SETTLED_S)
            before, found = found, await self.counts(*dimensions)
            if found == before:
                return found

    async def counts(self, *dimensions: str) -> Counter[tuple[str, ...]]:
        """Return today's counts of the site by some dimensions."""
        url = f"{self.serving.internal}/v1/report.json?site=example&by={','.join(dimensions)}"
        async with ClientSession() as session, session.get(url) as response:
            rows = (await response.json())["rows"]
        return Counter({tuple(row[name] for name in dimensions): row["count"] for row in rows})

    async def counted(
        self, before: Counter[tuple[str, ...]], *added: tuple[str, ...], by: str
    ) -> None:
        """Wait until exactly this came on top of the counts before."""
        expected, found = Counter(added), Counter[tuple[str, ...]]()
        deadline = asyncio.get_running_loop().time() + COUNTED_WITHIN_S
        while found != expected and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.1)
            found = await self.counts(*by.split(",")) - before
        assert found == expected


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run the service with the example's configuration and one more origin of its site."""
    directory = tmp_path_factory.mktemp("house")
    async with Publisher.running("") as publisher:
        config = config_for(publisher, directory)
        async with serving(directory / "data", config=config) as running:
            publisher.service = running.public
            yield House(running, publisher, config)


def config_for(publisher: Publisher, directory: Path) -> Path:
    """Return the example's configuration with the publisher's own origin."""
    config = copied_config(directory)
    site = config / "sites" / "example.yaml"
    listed = 'origins: ["https://news.example"'
    text = site.read_text("utf-8")
    assert listed in text
    site.write_text(text.replace(listed, f'{listed}, "{publisher.origin}"'), "utf-8")
    return config


async def test_the_three_lines_come_from_the_service(page: Page, house: House) -> None:
    await page.goto(house.publisher.article())
    parts = page.locator("hand-bill section > *")
    await parts.first.wait_for()
    lines = [" ".join(text.split()) for text in await parts.all_text_contents()]
    assert [line.partition("App)")[0] + "App)" for line in (lines[0], lines[2])] == [AD, AD]
    assert lines[1] == ROW


async def test_what_a_reader_sees_clicks_and_shares_is_counted_once_each(
    page: Page, house: House
) -> None:
    by = "kind,placement,network,verdict"
    before = await house.settled(*by.split(","))
    await page.goto(house.publisher.article())
    seen = [
        ("view", "-", "-", "valid"),
        ("impression", "top", "-", "valid"),
        ("impression", "bottom", "-", "valid"),
        ("viewable", "top", "-", "valid"),
        ("viewable", "bottom", "-", "valid"),
    ]
    await house.counted(before, *seen, by=by)
    async with page.context.expect_event(
        "request", lambda request: request.url.startswith("https://www.reddit.com/")
    ) as shared:
        await page.get_by_role("link", name="Share on Reddit").click(modifiers=["ControlOrMeta"])
    assert "hb%3D3.1" in (await shared.value).url
    await page.get_by_role("link", name="Download Vital Signs App (VS App)").first.click()
    await expect(page.get_by_role("link", name="Google Play")).to_be_visible(timeout=10_000)
    assert page.url.startswith(f"{house.serving.public}/a/vital-signs?via=")
    done = [("share", "-", "reddit", "valid"), ("click", "top", "-", "valid")]
    await house.counted(before, *seen, *done, by=by)


async def test_a_reader_who_came_by_a_share_is_counted_under_it(page: Page, house: House) -> None:
    by = "kind,source"
    before = await house.settled(*by.split(","))
    await page.goto(house.publisher.article("<hand-bill share></hand-bill>") + "?hb=3.1")
    await house.counted(before, ("view", "reddit"), by=by)


async def test_what_a_preview_link_shows_is_counted_as_preview(page: Page, house: House) -> None:
    by = "kind,placement,verdict"
    before = await house.settled(*by.split(","))
    config, data = house.config, house.config.parent / "data"
    flags = ("--config", str(config), "--data", str(data))
    link = command("preview", "vs-text", CANONICAL, *flags, directory=config.parent).strip()
    _, mark, preview = link.partition("hb=preview.")
    await page.goto(f"{house.publisher.article()}?{mark}{preview}")
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    seen = [(kind, name) for kind in ("impression", "viewable") for name in ("top", "bottom")]
    previews = [("view", "-", "preview"), *((*what, "preview") for what in seen)]
    await house.counted(before, *previews, by=by)


@pytest.mark.parametrize(
    ("agent", "store"),
    [
        (IPHONE, "https://apps.apple.com/app/apple-store/id123456789?"),
        (ANDROID, "https://play.google.com/store/apps/details?id=example.vitalsigns&"),
    ],
)
async def test_an_ad_leads_to_the_store_of_the_phone(
    browser: Browser, house: House, agent: str, store: str
) -> None:
    context = await browser.new_context(user_agent=agent, viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.goto(house.publisher.article('<hand-bill placement="top"></hand-bill>'))
    async with page.expect_request(lambda request: request.url.startswith(store)):
        await page.locator("hand-bill a").first.click(no_wait_after=True)
    await context.close()


async def test_the_demo_is_an_article_with_the_block_under_the_strictest_policy(
    page: Page, house: House
) -> None:
    by = "kind,placement,verdict"
    before = await house.settled(*by.split(","))
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text))
    response = await page.goto(f"{house.serving.public}/demo")
    assert response is not None
    assert "unsafe" not in response.headers["content-security-policy"]
    await page.locator("hand-bill").scroll_into_view_if_needed()
    await expect(page.locator("hand-bill aside")).to_have_count(2)
    await expect(page.locator("hand-bill li")).to_have_count(4)
    await expect(page.locator("body")).to_have_css("margin", "0px")  # its own style is allowed
    valid = [
        ("view", "-"),
        *(("impression", name) for name in ("top", "bottom")),
        *(("viewable", name) for name in ("top", "bottom")),
    ]
    await house.counted(before, *((*what, "valid") for what in valid), by=by)
    assert violations == []


async def test_the_demos_article_is_the_sites_own(page: Page, house: House) -> None:
    await page.goto(f"{house.serving.public}/demo")
    link = page.get_by_role("link", name="Share on Facebook")
    address = await link.get_attribute("href")
    assert address is not None
    assert "?u=https%3A%2F%2Fnews.example%2F" in address
    assert CANONICAL not in address
    await expect(page.get_by_role("heading", level=2)).to_have_count(3)
