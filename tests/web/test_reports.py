"""The reports and ops pages over real HTTP, from counts in a real Valkey."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from service.adapters.redis_counts import RedisCounts
from service.domain.ads import App, Campaign, Tier
from service.domain.catalog import Catalog
from service.domain.sharing import Network
from service.domain.sites import Site
from service.flows.report import Reports
from service.telemetry.metrics import Metrics
from service.web import ops, reports
from service.web.keys import SERVICES, Health, Services
from service.web.middleware import observed
from tests import counted

NOW = datetime(2026, 11, 24, 13, 20, 5, tzinfo=UTC)
HOUR = int(NOW.timestamp()) // 3_600
AD = "example|top|vital-signs|vs-text|ios|{source}|{arm}|{kind}|-|{verdict}"
ARTICLE = "00ff00ff00ff00ff"
TITLE = "<script>alert(1)</script> & rivers"


def _site(identifier: str, timezone: str) -> Site:
    return Site(
        identifier, f"{identifier.title()} News", frozenset(), (), (), (),
        "https://news.example/apps", timezone=timezone,
    )  # fmt: skip


CATALOG = Catalog(
    {"example": _site("example", "UTC"), "berlin": _site("berlin", "Europe/Berlin")},
    {"reddit": Network("reddit", 3, "Reddit", "https://www.reddit.com/submit?url={url}")},
    {"vital-signs": App("vital-signs", "Vital Signs App")},
    {"vital-signs": Campaign("vital-signs", "vital-signs", Tier.HOUSE, (), ())},
    "v",
)


@dataclass
class _Plan:
    origins: frozenset[str] = frozenset()


@dataclass
class Standing:
    """Only what these handlers take from `Services`; the rest would need a whole service."""

    report: Reports
    metrics: Metrics
    report_auth: str | None = None
    health: Callable[[], Health] = lambda: Health(True, {"redis": "ok"})
    public_url: str = "http://127.0.0.1:8080"
    plan: Callable[[], _Plan] = field(default=_Plan)

    def catalog(self) -> Catalog:
        return CATALOG

    def now_ms(self) -> int:
        return int(NOW.timestamp() * 1_000)


Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def engine() -> AsyncIterator[Redis]:
    async with counted.valkey() as client:
        yield client


@pytest.fixture
async def services(engine: Redis) -> AsyncIterator[Standing]:
    async with counted.linked(engine) as link:
        yield Standing(Reports(RedisCounts(link)), Metrics(CollectorRegistry()))


@pytest.fixture
async def client(services: Standing) -> AsyncIterator[Client]:
    app = web.Application()
    app[SERVICES] = cast(Services, services)
    for path, handler in {
        "/reports": reports.report_page,
        "/v1/report.json": reports.report_json,
        "/metrics": ops.metrics,
        "/livez": ops.livez,
        "/readyz": ops.readyz,
    }.items():
        app.router.add_get(path, observed(app[SERVICES], "internal", path, handler))
    async with TestClient(TestServer(app)) as client:
        yield client


async def _fill(engine: Redis) -> None:
    def ad(kind: str, source: str = "-", arm: str = "-", verdict: str = "valid") -> str:
        return AD.format(kind=kind, source=source, arm=arm, verdict=verdict)

    view, shared = "example|-|-|-|ios|{}|-|view|-|valid", "example|-|-|-|ios|-|-|share|reddit|valid"
    for shard, hour, name, n in (
        (0, HOUR, view.format("-"), 1_500), (7, HOUR - 2, view.format("reddit"), 60),
        (1, HOUR, ad("impression"), 1_000), (2, HOUR - 2, ad("impression"), 234),
        (3, HOUR, ad("viewable"), 800), (15, HOUR, ad("click"), 12), (4, HOUR, shared, 30),
        (5, HOUR, ad("impression", verdict="bot"), 77), (5, HOUR, ad("impression", arm="hold"), 9),
        (0, HOUR, "other|-|-|-|-|-|-|view|-|forged", 13),
        (0, HOUR, "other|-|-|-|-|-|-|click|-|refused", 21),
        (6, HOUR - 24, view.format("-"), 5),
    ):  # fmt: skip
        await counted.count(engine, shard, hour, name, n)
    await counted.count_article(engine, 8, HOUR, f"example|{ARTICLE}|-|view|-", 41)
    await counted.count_article(engine, 9, HOUR, f"example|{ARTICLE}|reddit|view|-", 3)
    await counted.count_article(engine, 9, HOUR, "example|0011223344556677|-|view|-", 2)
    text = json.dumps(["https://news.example/world/rivers", TITLE])
    await counted.name(engine, 8, HOUR, f"a:{ARTICLE}", text)


async def test_the_default_report_is_today_by_kind(client: Client, engine: Redis) -> None:
    await _fill(engine)
    answer = await client.get("/v1/report.json?site=example")
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert await answer.json() == {
        "from": "2026-11-24T00:00:00+00:00",
        "to": "2026-11-24T13:20:05+00:00",
        "tz": "UTC",
        "rows": [
            {"kind": "click", "count": 12},
            {"kind": "impression", "count": 1_234},
            {"kind": "share", "count": 30},
            {"kind": "view", "count": 1_560},
            {"kind": "viewable", "count": 800},
        ],
    }


async def _rows(client: Client, query: str) -> list[dict[str, str | int]]:
    answer = await client.get(f"/v1/report.json?{query}")
    assert answer.status == 200, await answer.text()
    rows: list[dict[str, str | int]] = (await answer.json())["rows"]
    return rows


async def test_the_ledger_adds_up_and_shows_what_names_no_site(
    client: Client, engine: Redis
) -> None:
    await _fill(engine)
    rows = await _rows(client, "by=verdict&from=2026-11-24")
    assert {row["verdict"]: row["count"] for row in rows} == {
        "valid": 1_500 + 60 + 1_234 + 800 + 12 + 30 + 9, "bot": 77, "forged": 13, "refused": 21,
    }  # fmt: skip
    arms = await _rows(client, "by=arm,kind&site=example&from=2026-11-24T13:00:00Z")
    assert {"arm": "hold", "kind": "impression", "count": 9} in arms


async def test_days_hours_and_no_time_agree(client: Client, engine: Redis) -> None:
    await _fill(engine)
    span = "site=example&from=2026-11-23&by="
    by_day = await _rows(client, span + "day,kind")
    assert by_day[0] == {"day": "2026-11-23", "kind": "view", "count": 5}
    sums = [
        sum(int(row["count"]) for row in await _rows(client, span + by))
        for by in ("day,kind", "hour", "kind", "day&tz=Europe/Berlin")
    ]
    assert len(set(sums)) == 1
    assert (await _rows(client, "site=berlin&by=hour")) == []


async def test_article_rows_say_where_and_what_the_article_is(
    client: Client, engine: Redis
) -> None:
    await _fill(engine)
    assert await _rows(client, "by=article,kind&site=example") == [
        {"article": "0011223344556677", "kind": "view", "count": 2},
        {
            "article": ARTICLE, "kind": "view", "count": 44,
            "url": "https://news.example/world/rivers", "title": TITLE,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=0000-01-01", "from"),
        ("to=9999-12-31", "to"),
        ("from=2026-11-24&to=2026-11-20", "from"),
        ("tz=Mars", "tz"),
        ("tz=Asia/Kolkata", "tz"),
        ("by=colour", "by"),
        ("by=kind,kind", "by"),
        ("by=article,hour", "by"),
        ("from=%FF", "from"),
        ("from=2026-11-24&from=2026-11-23", "from"),
        ("form=2026-11-24", "query"),
    ],
)
async def test_bad_parameters_are_problems_that_name_the_field(
    client: Client, query: str, name: str
) -> None:
    answer = await client.get(f"/v1/report.json?{query}")
    problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["errors"][0]["field"]) == (400, name)
    page = await client.get(f"/reports?{query.replace('by=', 'range=')}")
    assert page.status == 400
    assert 'role="alert"' in await page.text()


async def test_an_unknown_site_is_404(client: Client) -> None:
    assert (await client.get("/v1/report.json?site=nowhere")).status == 404
    assert (await client.get("/reports?site=nowhere")).status == 404


async def test_a_lost_redis_is_503_with_a_time_to_come_back(
    client: Client, services: Standing
) -> None:
    async with counted.linked_to("unix:///nowhere.sock") as link:
        services.report = Reports(RedisCounts(link, timeout_s=0.5))
        for path in ("/v1/report.json", "/reports"):
            answer = await client.get(path)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert "nowhere" not in await answer.text()


async def test_the_page_shows_the_figures_with_the_counts_behind_the_rates(
    client: Client, engine: Redis
) -> None:
    await _fill(engine)
    answer = await client.get("/reports?site=example")
    page = await answer.text()
    assert answer.status == 200
    for shown in (
        "1,560", "1,234", "64.8\u00a0%", "1.50\u00a0%", "12 of 800", "19.2",
        "vital-signs · Vital Signs App",
        "Reddit", "Tuesday, 24 November 2026", "13:20:05", "00:00–01:00: 0 views",
    ):  # fmt: skip
        assert shown in page, shown
    assert "Besides, on all sites together" in page
    assert "13 forged" in page
    assert "3,722" in page  # gross: all of the site's events, robots and held back too
    assert (await client.get("/reports?range=28d&site=example")).status == 200


async def test_the_page_trusts_no_title_and_asks_no_third_party(
    client: Client, engine: Redis
) -> None:
    await _fill(engine)
    answer = await client.get("/reports?site=example")
    page = await answer.text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "src=" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'<style nonce="{nonce}">' in page
    assert " style=" not in page
    assert "Set-Cookie" not in answer.headers


async def test_an_address_that_is_not_of_the_web_is_no_link(client: Client, engine: Redis) -> None:
    await counted.count_article(engine, 8, HOUR, f"example|{ARTICLE}|-|view|-", 1)
    await counted.count(engine, 0, HOUR, "example|-|-|-|ios|-|-|view|-|valid")
    text = json.dumps(["javascript:alert(1)", "Title"])
    await counted.name(engine, 8, HOUR, f"a:{ARTICLE}", text)
    assert "javascript:" not in await (await client.get("/reports?site=example")).text()


async def test_an_empty_range_says_what_to_do(client: Client) -> None:
    page = await (await client.get("/reports?site=berlin&from=2026-11-20&last=2026-11-22")).text()
    assert "Nothing was counted in this range yet" in page
    assert "20 November to 22 November 2026" in page
    assert "http://127.0.0.1:8080/embed.js" in page


async def test_every_ready_made_range_reaches_what_it_says(client: Client) -> None:
    for name, shown in {
        "today": "Tuesday, 24 November 2026",
        "yesterday": "Monday, 23 November 2026",
        "7d": "18 November to 24 November 2026",
        "28d": "28 October to 24 November 2026",
    }.items():
        page = await (await client.get(f"/reports?site=berlin&range={name}")).text()
        assert shown in page


async def test_a_range_older_than_hours_are_kept_is_shown_in_utc(client: Client) -> None:
    page = await (await client.get("/reports?site=berlin&from=2026-06-01&last=2026-06-30")).text()
    assert "1 June to 30 June 2026 · UTC" in page
    asked = await client.get("/reports?site=berlin&from=2026-06-01&tz=Europe/Berlin")
    assert (asked.status, "before 2026-08-17" in await asked.text()) == (400, True)


async def test_reports_need_the_credentials_once_there_are_any(
    client: Client, services: Standing
) -> None:
    services.report_auth = "desk:pass:wörd"
    right = base64.b64encode("desk:pass:wörd".encode()).decode()
    wrong = base64.b64encode(b"desk:pass").decode()
    for path in ("/v1/report.json", "/reports"):
        for refused in (
            "",
            f"Basic {wrong}",
            "Basic ***",
            "Bearer desk",
            "Digest x",
            "Bearer \xff",
        ):
            answer = await client.get(path, headers={"Authorization": refused})
            assert answer.status == 401, refused
            assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        for given in (f"Basic {right}", f"basic {right}", "Bearer pass:wörd"):
            answer = await client.get(path, headers={"Authorization": given})
            assert answer.status == 200, given
    assert (await client.get("/readyz")).status == 200


async def test_ops_say_how_the_service_is(client: Client, services: Standing) -> None:
    alive = await client.get("/livez")
    assert (alive.status, await alive.json()) == (200, {"status": "alive"})
    ready = await client.get("/readyz")
    assert (ready.status, await ready.json()) == (
        200, {"status": "ready", "checks": {"redis": "ok"}},
    )  # fmt: skip
    services.health = lambda: Health(False, {"journal": "refuses: disk full"})
    ready = await client.get("/readyz")
    assert (ready.status, (await ready.json())["checks"]) == (
        503, {"journal": "refuses: disk full"},
    )  # fmt: skip


async def test_metrics_are_in_the_text_format(client: Client) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE handbill_redis_up gauge" in await answer.text()


async def test_the_longest_range_answers(client: Client, engine: Redis) -> None:
    await _fill(engine)
    rows = await _rows(client, "by=day,kind&from=2025-10-21")
    assert rows[-1] == {"day": "2026-11-24", "kind": "viewable", "count": 800}
    assert (await client.get("/reports?from=2025-10-21&last=2026-11-24")).status == 200
