"""Tells platforms and robots from user agents, by maintained lists behind bounded caches.

A flood of unheard-of agents costs a bounded time: beyond the second's budget of look-ups a cheap
rule answers, and its answers are not kept.
"""

from collections.abc import Callable, Mapping
from time import monotonic

import crawleruseragents  # type: ignore[import-untyped]  # the package has no types
from ua_parser import Parser
from ua_parser.loaders import load_builtins
from ua_parser.regex import Resolver

from service.domain.audience import Agent, Platform

CACHE_MAX = 4_096
USER_AGENT_CHARS_MAX = 1_024
LOOKUPS_PER_S = 60  # one costs 0.2 to 1 ms: 60 ms of each second at most
_OS = {
    "iOS": Platform.IOS,
    "Android": Platform.ANDROID,
    "Windows": Platform.DESKTOP,
    "Mac OS X": Platform.DESKTOP,
    "Linux": Platform.DESKTOP,
    "Ubuntu": Platform.DESKTOP,
    "Fedora": Platform.DESKTOP,
    "Chrome OS": Platform.DESKTOP,
    "FreeBSD": Platform.DESKTOP,
    "OpenBSD": Platform.DESKTOP,
}
_HINTS = {
    '"Android"': Platform.ANDROID,
    '"iOS"': Platform.IOS,
    '"Windows"': Platform.DESKTOP,
    '"macOS"': Platform.DESKTOP,
    '"Linux"': Platform.DESKTOP,
    '"Chrome OS"': Platform.DESKTOP,
    '"Chromium OS"': Platform.DESKTOP,
}
_BROWSERS = ("mozilla/", "opera/")  # what every browser's name begins with, in its apps too
# Words of robots' names, in lower case, sought one by one: a pattern of them all takes 20 times as
# long, as it tries each at every character.
_ROBOT_WORDS = (
    *("compatible", "://", "bot", "crawl", "spider", "headless", "lighthouse", "preview"),
    *("externalhit", "fetch", "scrap", "scan", "check", "monitor", "synthetic", "agent"),
    *("playwright", "selenium", "google-", "-google", "proxy", "archive", "python"),
)
_PLATFORM_WORDS = (
    ("iPhone", Platform.IOS),
    ("iPad", Platform.IOS),
    ("iPod", Platform.IOS),
    ("Android", Platform.ANDROID),
    ("Windows NT", Platform.DESKTOP),
    ("Macintosh", Platform.DESKTOP),
    ("X11", Platform.DESKTOP),
)


class AgentLists:
    """Identifies user agents; client hints, where sent, decide the platform first."""

    def __init__(self, clock_s: Callable[[], float] = monotonic) -> None:
        self._clock_s = clock_s
        self._parser = Parser(Resolver(load_builtins()))
        self._known: dict[str, Agent] = {}
        self._older: dict[str, Agent] = {}
        self._second = 0
        self._lookups = 0
        self._listed("any")  # the lists are compiled on first use: not in a reader's request

    def identify(self, user_agent: str, headers: Mapping[str, str]) -> Agent:
        """Return what is known of an agent; an empty one is a robot."""
        user_agent = user_agent[:USER_AGENT_CHARS_MAX]
        agent = self._known.get(user_agent) or self._look_up(user_agent)
        hint = headers.get("Sec-CH-UA-Platform")
        platform = agent.platform if hint is None else _HINTS.get(hint, agent.platform)
        if platform is not agent.platform:
            return Agent(platform, agent.bot, agent.macintosh and platform is Platform.DESKTOP)
        return agent

    def _look_up(self, user_agent: str) -> Agent:
        agent = self._older.get(user_agent)
        if agent is None:
            if not self._may_look():
                return cheap_agent(user_agent)
            agent = self._listed(user_agent)
        self._keep(user_agent, agent)
        return agent

    def _may_look(self) -> bool:
        second = int(self._clock_s())
        if second != self._second:
            self._second, self._lookups = second, 0
        self._lookups += 1
        return self._lookups <= LOOKUPS_PER_S

    def _keep(self, user_agent: str, agent: Agent) -> None:
        # Two generations: the half that is in use survives, with no book-keeping on a hit.
        if len(self._known) >= CACHE_MAX:
            self._older, self._known = self._known, {}
        self._known[user_agent] = agent

    def _listed(self, user_agent: str) -> Agent:
        if not user_agent.strip():
            return Agent(Platform.UNKNOWN, bot=True)
        found = self._parser.parse_os(user_agent)
        platform = _OS.get(found.family) if found else None
        robot = bool(crawleruseragents.is_crawler(user_agent))
        return Agent(platform or _by_words(user_agent), robot, "Macintosh" in user_agent)


def cheap_agent(user_agent: str) -> Agent:
    """Return a guess by a few words, for when the lists cost too much."""
    return Agent(_by_words(user_agent), _robot_by_words(user_agent), "Macintosh" in user_agent)


def _robot_by_words(user_agent: str) -> bool:
    name = user_agent.lower().replace("cubot", "phone")  # it is one
    if not name.startswith(_BROWSERS):
        return True
    for word in _ROBOT_WORDS:  # noqa: SIM110  a generator costs more than all of the words
        if word in name:
            return True
    return False


def _by_words(user_agent: str) -> Platform:
    return next((p for word, p in _PLATFORM_WORDS if word in user_agent), Platform.UNKNOWN)
