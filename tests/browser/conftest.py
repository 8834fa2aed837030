"""A real Chromium, shared by the run, and pages of a publisher for it to open.

The browser, the servers and these tests live on one session-wide loop: a browser start per test
would cost more than the tests.
"""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from devtools.debian import BROWSER_PACKAGES, find_browser
from tests.browser.answering import Answering
from tests.browser.publisher import Publisher

# Headless browsers say so, and the service does not count robots.
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
    " Safari/537.36"
)
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # tests reach nobody outside
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium; without one skip, or fail where one is required."""
    path = find_browser()
    if path is not None:
        return path
    how = f"no Chromium: set CHROMIUM, or on Debian apt-get install {' '.join(BROWSER_PACKAGES)}"
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(how)
    pytest.skip(how)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Run the browser for the session."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a tab with a clean profile; the test fails with any error that a script throws in it."""
    context = await browser.new_context(user_agent=AGENT, viewport={"width": 1000, "height": 800})
    page = await context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))  # rejections too
    yield page
    await context.close()
    assert thrown == []


@pytest_asyncio.fixture(loop_scope="session")
async def service() -> AsyncIterator[Answering]:
    """Run a service that answers what the test says."""
    async with Answering.running() as service:
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def publisher(service: Answering) -> AsyncIterator[Publisher]:
    """Run a publisher's site, on another origin than the service its pages name."""
    async with Publisher.running(service.origin) as publisher:
        yield publisher
