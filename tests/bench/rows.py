"""What is measured: for each row its requests, what a good answer is, and what it is against."""

import json
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from service.domain.articles import Article
from service.domain.events import SHARDS
from tests.bench.load import Answer
from tests.bench.publisher import FOUR, TWO, Publisher
from tests.bench.readers import Browser

CONNECTIONS = 32
COMMIT_CONNECTIONS = 64  # more wait at a time, as each waits for the disk
REPEATED = 20_000  # requests where none needs to be new: every article twice

Requests = Callable[[Publisher, tuple[Browser, ...]], Iterator[bytes]]
Page = tuple[Browser, Article, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: `requests` go to the service, and those of `base` to what it is against.

    `per_s` requests are made for each second of load: beyond that rate they repeat. `events` is
    how many valid events each carries.
    """

    name: str
    text: str
    requests: Requests
    good: Callable[[Answer], bool]
    per_s: int = 0
    events: int = 0
    connections: int = CONNECTIONS
    base: Requests | None = None  # to the service instead of the same to the baseline
    many: bool = False  # to a service with ten thousand campaigns; the base to one with ten alike
    open: bool = False  # its base is the usual service, whose ten campaigns are for any page
    stopped: bool = False  # while Redis' process is stopped; the base while it runs
    reloads: bool = False  # while a file of its configuration changes each second; ÷ without

    @property
    def by_turns(self) -> bool:
        """Whether it and its base take turns of a second: nothing of it outlasts an answer."""
        return not (self.events or self.stopped or self.reloads)


def pages(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[Page]:
    """Yield page views for ever: every article once before any comes again, browsers at random."""
    chosen = random.Random(1)
    while True:
        for article, title in chosen.sample(publisher.articles, len(publisher.articles)):
            yield chosen.choice(browsers), article, title


def decisions(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield what the embed asks at the start of page views."""
    for browser, article, title in pages(publisher, browsers):
        yield _decision(article, title, browser.headers())


def flood(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield the same, each from a user agent that was never seen before."""
    for browser, article, title in pages(publisher, browsers):
        agent = f"{browser.agent} Build/{secrets.token_hex(4)}"
        yield _decision(article, title, browser.headers().replace(browser.agent, agent))


def tagged(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield decisions of pages that name section and tags: most have their own combination."""
    for browser, article, title in pages(publisher, browsers):
        section, tags = article.url.split("/")[3], ",".join(title.lower().split())
        more = f"&section={section}&tags={quote(tags)}"
        yield _decision(article, title, browser.headers(), more)


def _decision(article: Article, title: str, headers: str, more: str = "") -> bytes:
    query = f"site={TWO}&url={quote(article.url, safe='')}&title={quote(title)}{more}"
    return f"GET /v1/decision?{query} HTTP/1.1\r\n{headers}\r\n".encode()


def single_events(
    publisher: Publisher, browsers: tuple[Browser, ...], replicas: int = 1
) -> Iterator[bytes]:
    """Yield beacons of one event, each of another page view; three kinds in turn."""
    mint = publisher.mint(TWO, replicas)
    shown = {"placement": "top", "creative": publisher.creative}
    for number, (browser, article, title) in enumerate(pages(publisher, browsers)):
        kind = ("view", "impression", "viewable")[number % 3]
        about = {"url": article.url, "title": title} if kind == "view" else shown
        yield _beacon(browser, mint(browser, article), [{"kind": kind, **about}])


def scattered_events(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield the same of page views that sixteen replicas decided: one in each shard."""
    return single_events(publisher, browsers, SHARDS)


def whole_views(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield beacons of all that one page view with four placements can report: 20 events."""
    mint, site = publisher.mint(FOUR), publisher.sites[FOUR]
    rest: list[Mapping[str, str]] = [
        {"kind": kind, "placement": placement.id, "creative": publisher.creative}
        for placement in site.placements
        for kind in ("impression", "viewable", "dismiss")
    ]
    rest += [{"kind": "share", "network": network} for network in site.share]
    for browser, article, title in pages(publisher, browsers):
        view = {"kind": "view", "url": article.url, "title": title}
        yield _beacon(browser, mint(browser, article), [view, *rest])


def _beacon(browser: Browser, token: str, events: list[Mapping[str, str]]) -> bytes:
    body = json.dumps({"token": token, "events": events}, separators=(",", ":")).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\n{browser.headers()}"
        f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def clicks(publisher: Publisher, browsers: tuple[Browser, ...]) -> Iterator[bytes]:
    """Yield clicks, each on the ad of another page view."""
    mint = publisher.mint(TWO)
    for browser, article, _ in pages(publisher, browsers):
        path = f"/c/{mint(browser, article)}/top"
        yield f"GET {path} HTTP/1.1\r\n{browser.headers(navigates=True)}\r\n".encode()


def _whole_decision(answer: Answer) -> bool:
    if answer.status != 200:
        return False
    decision = json.loads(answer.body)
    filled = [offer for offer in decision["placements"].values() if offer]
    return bool(decision["token"]) and len(filled) == 2 and len(decision["share"]) == 4


def _to_a_store(answer: Answer) -> bool:
    stores = ("https://apps.apple.com/", "https://play.google.com/", "http://127.0.0.1:")
    return answer.status == 302 and answer.headers["Location"].startswith(stores)


def _nothing(answer: Answer) -> bool:
    return answer.status == 204 and not answer.body


_crowded = partial(Row, requests=tagged, good=_whole_decision, base=tagged, many=True)
ROWS = (
    Row(
        "decision",
        "GET /v1/decision, 2 placements, 4 share links, ÷ canned GET",
        decisions,
        _whole_decision,
    ),
    Row(
        "ua_flood",
        "the same, each from a new user agent, ÷ row decision's requests",
        flood,
        _whole_decision,
        per_s=25_000,
        base=decisions,
    ),
    _crowded(
        "many", "decisions among 10,000 campaigns, 57 % of them eligible, ÷ the same among 10"
    ),
    _crowded("many_open", "the same, ÷ among 10 that are for any page", open=True),
    _crowded("replan", "p99 among 10,000 campaigns, planned each second, ÷ p99 among 10"),
    _crowded(
        "reload",
        "p99 among 10,000 campaigns, one of which changes each second, ÷ p99 without",
        reloads=True,
    ),
    Row(
        "events",
        "POST /v1/events, 1 valid event each, committed, ÷ canned 204",
        single_events,
        _nothing,
        per_s=20_000,
        events=1,
        connections=COMMIT_CONNECTIONS,
    ),
    Row(
        "scattered",
        "the same, of page views that 16 replicas decided, ÷ row events' requests",
        scattered_events,
        _nothing,
        per_s=20_000,
        events=1,
        connections=COMMIT_CONNECTIONS,
        base=single_events,
    ),
    Row(
        "stopped",
        "row events' requests while Redis is stopped, ÷ the same while it runs",
        single_events,
        _nothing,
        per_s=20_000,
        events=1,
        connections=COMMIT_CONNECTIONS,
        base=single_events,
        stopped=True,
    ),
    Row(
        "events20",
        "POST /v1/events, 20 valid events each, committed, ÷ canned 204",
        whole_views,
        _nothing,
        per_s=8_000,
        events=20,
        connections=COMMIT_CONNECTIONS,
    ),
    Row(
        "click",
        "GET /c/…, valid and committed, ÷ canned 302",
        clicks,
        _to_a_store,
        per_s=20_000,
        events=1,
        connections=COMMIT_CONNECTIONS,
    ),
)
