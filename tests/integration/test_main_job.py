"""The main job as a user does it: see, click, share, read the report, kill it, start it again."""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.domain.articles import canonical_article
from tests.serving import Serving, copied_config, serving
from tests.web.houses import DESKTOP, IPHONE

ARTICLE = "https://news.example/science/flood-warnings"
DONE_S = 20.0
Session = aiohttp.ClientSession
needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="no Prometheus here (Debian: package prometheus)",
)


@asynccontextmanager
async def reader(agent: str) -> AsyncIterator[Session]:
    async with Session(headers={"User-Agent": agent}) as session:
        yield session


async def read_an_article(service: Serving, agent: str) -> dict[str, Any]:
    """See, click the top ad and share to Reddit as a browser does; return the decision."""
    async with reader(agent) as session:
        params = {"site": "example", "url": ARTICLE, "title": "Flood warnings"}
        async with session.get(f"{service.public}/v1/decision", params=params) as answer:
            decision: dict[str, Any] = await answer.json()
        await asyncio.sleep(1.1)  # viewable takes a second, as MRC has it
        seen = [
            {
                "kind": kind,
                "placement": place,
                "creative": decision["placements"][place]["creative"],
            }
            for place in ("top", "bottom")
            for kind in ("impression", "viewable")
        ]
        view = {"kind": "view", "url": ARTICLE, "title": "Flood warnings"}
        body = json.dumps({"token": decision["token"], "events": [view, *seen]})
        async with session.post(f"{service.public}/v1/events", data=body) as answer:
            assert answer.status == 204
        for link in (decision["placements"]["top"]["click"], decision["share"][2]["url"]):
            async with session.get(link, allow_redirects=False) as answer:
                assert answer.status == 302
    return decision


async def rows(service: Serving, by: str) -> dict[str, int]:
    """Return today's counts by the words of `by`, joined."""
    async with Session() as session:
        url = f"{service.internal}/v1/report.json"
        async with session.get(url, params={"by": by, "tz": "UTC"}) as answer:
            found = (await answer.json())["rows"]
    return {"|".join(str(row[name]) for name in by.split(",")): row["count"] for row in found}


async def until_counted(service: Serving, wanted: dict[str, int], by: str = "kind") -> None:
    """Wait for these counts, which no other may join."""
    async with asyncio.timeout(DONE_S):
        while await rows(service, by) != wanted:
            await asyncio.sleep(0.05)


async def test_what_readers_do_is_counted_and_survives_every_way_of_stopping(
    tmp_path: Path,
) -> None:
    done = {"click": 2, "impression": 4, "share": 2, "view": 2, "viewable": 4}
    async with serving(tmp_path / "data") as service:
        for agent in (IPHONE, DESKTOP):
            await read_an_article(service, agent)
        await until_counted(service, done)
        assert await rows(service, "network,kind") == {"-|click": 2, "-|impression": 4,
            "reddit|share": 2, "-|view": 2, "-|viewable": 4}  # fmt: skip
        article = canonical_article(ARTICLE).id.hex()
        assert (await rows(service, "article,kind"))[f"{article}|view"] == 2
        service.kill()
    async with serving(tmp_path / "data") as service:
        await until_counted(service, done)
        assert await service.stop() == 0
    async with serving(tmp_path / "data") as service:
        await until_counted(service, done)


async def test_a_site_of_ones_own_is_live_without_a_restart(tmp_path: Path) -> None:
    config = copied_config(tmp_path)
    async with serving(tmp_path / "data", config=config) as service, reader(IPHONE) as session:
        params = {"site": "mine", "url": "https://mine.example/first"}
        async with session.get(f"{service.public}/v1/decision", params=params) as answer:
            assert answer.status == 404
        text = (config / "sites/example.yaml").read_text()
        text = text.replace("id: example", "id: mine").replace("news.example", "mine.example")
        (config / "sites/mine.yaml").write_text(text)
        text = (config / "campaigns/vital-signs.yaml").read_text()
        text = text.replace("sites: [example]", "sites: [mine]").replace("vs-text", "my-text")
        (config / "campaigns/mine.yaml").write_text(text.replace("id: vital-signs", "id: mine", 1))
        async with asyncio.timeout(DONE_S):
            while True:
                url = f"{service.public}/v1/decision"
                async with session.get(url, params=params) as answer:
                    if answer.status == 200:
                        placements = (await answer.json())["placements"]
                        break
                await asyncio.sleep(0.05)
        assert {offer["creative"] for offer in placements.values()} == {"my-text"}


@needs_prometheus
async def test_a_real_prometheus_reads_the_metrics(tmp_path: Path) -> None:
    async with serving(tmp_path / "data") as service:
        await read_an_article(service, IPHONE)
        await until_counted(
            service, {"click": 1, "impression": 2, "share": 1, "view": 1, "viewable": 2}
        )
        await _linted(service)
        async with prometheus(tmp_path / "prometheus", service) as address:
            query = "sum by (verdict) (handbill_events_total)"
            assert await _asked(address, query) == {'{"verdict": "valid"}': "7"}
            assert await _asked(address, "handbill_redis_up") != {}


async def _linted(service: Serving) -> None:
    """Have promtool look at what /metrics says."""
    async with Session() as session, session.get(f"{service.internal}/metrics") as answer:
        text = await answer.read()
    check = await asyncio.create_subprocess_exec(
        "promtool", "check", "metrics", stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await check.communicate(text)
    assert check.returncode == 0, said.decode()


@asynccontextmanager
async def prometheus(directory: Path, service: Serving) -> AsyncIterator[str]:
    """Run a Prometheus that scrapes the service each second; yield its address."""
    directory.mkdir()
    target = service.internal.removeprefix("http://")
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n"
        f"  - job_name: handbill\n    static_configs: [{{targets: ['{target}']}}]\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "prometheus", f"--config.file={directory}/prometheus.yml",
        f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):  # it ended by itself; the queries say what is missing
            process.terminate()
        await process.wait()


async def _asked(address: str, query: str) -> dict[str, str]:
    """Return the answer to a query by its labels, once there is one."""
    async with Session() as session, asyncio.timeout(DONE_S):
        while True:
            try:
                url = f"{address}/api/v1/query"
                async with session.get(url, params={"query": query}) as answer:
                    result = (await answer.json())["data"]["result"]
            except aiohttp.ClientConnectionError:
                result = []
            if result:
                return {json.dumps(one["metric"]): one["value"][1] for one in result}
            await asyncio.sleep(0.2)
