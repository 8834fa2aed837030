"""Browsers and robots are told apart by the lists, and a flood of agents costs a bounded time."""

import crawleruseragents  # type: ignore[import-untyped]  # the package has no types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from service.adapters.agents import (
    CACHE_MAX,
    LOOKUPS_PER_S,
    USER_AGENT_CHARS_MAX,
    AgentLists,
    cheap_agent,
)
from service.domain.audience import Agent, Platform
from tests.fakes import StandingClock

LISTS = AgentLists(iter(range(10**9)).__next__)  # each look-up in a second of its own
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {WEBKIT}"
MACINTOSH = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.1 Safari/605.1.15"
ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36"
GOOGLEBOT = "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

READERS = {
    "iPhone": (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", Platform.IOS),
    "old iPad": (
        f"Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) {WEBKIT} Version/12.1 Safari/604.1",
        Platform.IOS,
    ),
    "Macintosh": (MACINTOSH, Platform.DESKTOP),
    "Android": (ANDROID, Platform.ANDROID),
    "Cubot": (f"Mozilla/5.0 (Linux; Android 9; CUBOT X19) {CHROME} Mobile", Platform.ANDROID),
    "Windows": (WINDOWS, Platform.DESKTOP),
    "Linux": ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko Firefox/132.0", Platform.DESKTOP),
    "Debian": (
        "Mozilla/5.0 (X11; Debian; Linux x86_64; rv:102.0) Gecko Firefox/102.0",
        Platform.DESKTOP,
    ),
    "NetBSD": ("Mozilla/5.0 (X11; NetBSD amd64; rv:100.0) Gecko Firefox/100.0", Platform.DESKTOP),
    "ChromeOS": (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", Platform.DESKTOP),
    "Facebook on iPhone": (
        f"{IPHONE} Mobile/21G80 [FBAN/FBIOS;FBAV/480.0.0.40.109;FBDV/iPhone14,5;FBSN/iOS]",
        Platform.IOS,
    ),
    "Facebook on Android": (
        "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A; wv) AppleWebKit/537.36"
        " Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/480.0.0.0;]",
        Platform.ANDROID,
    ),
    "LinkedIn on iPhone": (f"{IPHONE} Mobile/15E148 [LinkedInApp]/9.29.8962", Platform.IOS),
    "Twitter on iPhone": (f"{IPHONE} Mobile/21G80 Twitter for iPhone/10.60", Platform.IOS),
    "television": ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) TV Safari/537.36", Platform.UNKNOWN),
}
ROBOTS = {
    "googlebot": f"Mozilla/5.0 {GOOGLEBOT}",
    "googlebot as a phone": f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) {CHROME} {GOOGLEBOT}",
    "facebookexternalhit": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot": "Twitterbot/1.0",
    "LinkedInBot": "LinkedInBot/1.0 (compatible; Mozilla/5.0; +http://www.linkedin.com)",
    "WhatsApp": "WhatsApp/2.23.20.0",
    "curl": "curl/8.5.0",
    "requests": "python-requests/2.32.3",
    "HeadlessChrome": f"Mozilla/5.0 (X11; Linux x86_64) {CHROME.replace('Chr', 'HeadlessChr')}",
    "Lighthouse": f"Mozilla/5.0 (Linux; Android 11) {CHROME} Mobile Chrome-Lighthouse",
    "GPTBot": "Mozilla/5.0 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Slackbot": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "blank": " ",
    "empty": "",
}


@pytest.mark.parametrize(("user_agent", "platform"), READERS.values(), ids=READERS.keys())
def test_a_readers_browser_has_its_platform(user_agent: str, platform: Platform) -> None:
    macintosh = "Macintosh" in user_agent
    expected = Agent(platform, bot=False, macintosh=macintosh)
    assert LISTS.identify(user_agent, {}) == expected
    assert cheap_agent(user_agent) == expected


@pytest.mark.parametrize("user_agent", ROBOTS.values(), ids=ROBOTS.keys())
def test_a_robot_is_one_by_the_lists_and_by_the_cheap_rule(user_agent: str) -> None:
    assert LISTS.identify(user_agent, {}).bot
    assert cheap_agent(user_agent).bot


def test_an_ipad_that_calls_itself_a_macintosh_is_told_by_its_touch() -> None:
    agent = LISTS.identify(MACINTOSH, {})
    assert agent.platform_with(touch=True) is Platform.IOS
    assert agent.platform_with(touch=False) is Platform.DESKTOP


@pytest.mark.parametrize(
    ("hint", "platform"),
    [
        ('"Android"', Platform.ANDROID),
        ('"iOS"', Platform.IOS),
        ('"Windows"', Platform.DESKTOP),
        ('"macOS"', Platform.DESKTOP),
        ('"Chrome OS"', Platform.DESKTOP),
        ('"Fuchsia"', Platform.ANDROID),
        ("Windows", Platform.ANDROID),
        ("", Platform.ANDROID),
    ],
)
def test_a_client_hint_decides_first_where_it_is_one_we_know(hint: str, platform: Platform) -> None:
    headers = CIMultiDict({"sec-ch-ua-platform": hint})
    assert LISTS.identify(ANDROID, headers) == Agent(platform, bot=False)


def test_a_hint_keeps_a_robot_a_robot_and_a_macintosh_one_only_on_a_desk() -> None:
    assert LISTS.identify("curl/8.5.0", {"Sec-CH-UA-Platform": '"macOS"'}).bot
    hinted = LISTS.identify(MACINTOSH, {"Sec-CH-UA-Platform": '"macOS"'})
    assert hinted == Agent(Platform.DESKTOP, bot=False, macintosh=True)
    hinted = LISTS.identify(MACINTOSH, {"Sec-CH-UA-Platform": '"Android"'})
    assert hinted == Agent(Platform.ANDROID, bot=False)


@given(st.text(max_size=2_000))
def test_any_text_is_some_agent(user_agent: str) -> None:
    for agent in (LISTS.identify(user_agent, {}), cheap_agent(user_agent)):
        assert agent.bot or user_agent.strip()


class Counted:
    """Lists whose look-ups are counted where they leave for the library."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = StandingClock(1_000)
        self.lists = AgentLists(self.clock)
        self.lookups = 0
        is_crawler = crawleruseragents.is_crawler

        def counted(user_agent: str) -> bool:
            self.lookups += 1
            return bool(is_crawler(user_agent))

        monkeypatch.setattr(crawleruseragents, "is_crawler", counted)

    def identify(self, user_agent: str) -> Agent:
        return self.lists.identify(user_agent, {})


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def test_a_flood_of_unheard_of_agents_is_looked_up_so_often_a_second_and_no_more(
    counted: Counted,
) -> None:
    for second in range(3):
        counted.clock.now = 1_000 + second
        for n in range(1_000):
            counted.identify(f"{WINDOWS} {second}.{n}")
        assert counted.lookups == (second + 1) * LOOKUPS_PER_S


def test_who_is_known_needs_no_look_up_even_in_a_flood(counted: Counted) -> None:
    counted.identify(ANDROID)
    for n in range(1_000):
        counted.identify(f"{WINDOWS} {n}")
        assert counted.identify(ANDROID).platform is Platform.ANDROID
    assert counted.lookups == LOOKUPS_PER_S


def test_the_cheap_rules_answers_are_not_kept(counted: Counted) -> None:
    for n in range(LOOKUPS_PER_S):
        counted.identify(f"{WINDOWS} {n}")
    surprising = "Java/17.0.1"  # a robot by the cheap rule, not by the list
    assert counted.identify(surprising).bot
    counted.clock.now += 1
    assert not counted.identify(surprising).bot


def test_an_endless_agent_is_cut_and_then_known(counted: Counted) -> None:
    endless = ANDROID + "x" * 100_000
    agents = [counted.identify(endless) for _ in range(3)]
    assert agents == [Agent(Platform.ANDROID, bot=False)] * 3
    assert counted.lookups == 1
    assert max(map(len, counted.lists._known)) == USER_AGENT_CHARS_MAX


def test_the_caches_are_bounded_and_keep_who_comes_again(counted: Counted) -> None:
    for n in range(3 * CACHE_MAX):
        counted.clock.now += n % LOOKUPS_PER_S == 0
        counted.lists._keep(f"{WINDOWS} {n}", Agent(Platform.DESKTOP, bot=False))
        if n % 100 == 0:
            counted.identify(ANDROID)
        assert len(counted.lists._known) <= CACHE_MAX
        assert len(counted.lists._older) <= CACHE_MAX
    assert counted.lookups == 1
