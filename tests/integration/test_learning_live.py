"""Readers who like one creative best: what a running service learns of it, and gains by it."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.domain.arms import GUARD
from service.domain.choosing import PROPENSITY_ONE
from service.domain.rates import Gain, Rate
from service.domain.tokens import Arm, Token, parse_token
from tests.serving import Serving, copied_config, serving
from tests.web.houses import IPHONE

RATES = {"dull": 0.05, "fair": 0.15, "best": 0.45}  # who clicks on what he saw
ARTICLE = "https://news.example/science/flood-warnings"
WAVES, WAVE = 8, 300
SEEN_S = 1.1  # viewable takes a second, as MRC has it
COUNTED_S = 20.0
SURE = 5.0  # standard deviations: chance breaks this test less than once in a million runs
CAMPAIGN = """
id: three
app: vital-signs
tier: standard
flights: [{start: 2026-01-01T00:00:00Z}]
creatives:
  - {id: dull, headline: Dull, placements: [top]}
  - {id: fair, headline: Fair, placements: [top]}
  - {id: best, headline: Best, placements: [top]}
"""


@dataclass
class Readers:
    """Page views one after the other: what each was shown, and whether it was clicked on."""

    service: Serving
    session: aiohttp.ClientSession
    chosen: random.Random = field(default_factory=lambda: random.Random(7))
    seen: list[tuple[Token, bool]] = field(default_factory=list)

    async def wave(self) -> None:
        """Let many open the article at once and look at it."""
        await asyncio.gather(*(self._read(self.chosen.random()) for _ in range(WAVE)))

    async def _read(self, mood: float) -> None:
        params = {"site": "example", "url": ARTICLE, "placements": "top"}
        decision = await self.asked(f"{self.service.public}/v1/decision", params)
        await asyncio.sleep(SEEN_S)
        shown = decision["placements"]["top"]
        events = [{"kind": kind, "placement": "top"} for kind in ("impression", "viewable")]
        body = json.dumps({"token": decision["token"], "events": [{"kind": "view"}, *events]})
        async with self.session.post(f"{self.service.public}/v1/events", data=body) as answer:
            assert answer.status == 204
        clicks = mood < RATES[shown["creative"]]
        if clicks:
            async with self.session.get(shown["click"], allow_redirects=False) as answer:
                assert answer.status == 302
        self.seen.append((parse_token(decision["token"]).token, clicks))

    async def asked(self, url: str, params: dict[str, str]) -> Any:
        """Return what an address answers as JSON."""
        async with self.session.get(url, params=params) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def report(self, by: str) -> Counter[tuple[str, ...]]:
        """Return valid counts by some dimensions, once all page views are counted."""
        url, asked = f"{self.service.internal}/v1/report.json", {"by": f"verdict,{by}"}
        async with asyncio.timeout(COUNTED_S):
            while True:
                rows = (await self.asked(url, asked))["rows"]
                assert {row["verdict"] for row in rows} <= {"valid"}
                if sum(row["count"] for row in rows if row["kind"] == "view") == len(self.seen):
                    return Counter({tuple(row[name] for name in by.split(",")): row["count"]
                                    for row in rows})  # fmt: skip
                await asyncio.sleep(0.05)

    async def explained(self) -> dict[str, float]:
        """Return the share of each creative for such a reader, as `explain` says it."""
        params = {"site": "example", "url": ARTICLE, "placements": "top", "ua": IPHONE}
        found: dict[str, Any] = {"arm": GUARD}
        while found["arm"] == GUARD:  # an explanation draws its arm as a decision does
            found = await self.asked(f"{self.service.internal}/v1/explain", params)
        (three,) = (one for one in found["campaigns"] if one["campaign"] == "three")
        return {one["creative"]: one["share"] for one in three["creatives"]}


async def test_what_is_liked_best_is_shown_most_and_the_guard_arm_shows_the_gain(
    tmp_path: Path,
) -> None:
    config = copied_config(tmp_path)
    (config / "campaigns" / "three.yaml").write_text(CAMPAIGN)
    site = config / "sites" / "example.yaml"
    site.write_text(f"{site.read_text()}experiment: {{guard: 0.5}}\n")
    connector = aiohttp.TCPConnector(limit=50)
    async with (
        serving(tmp_path / "data", config=config) as service,
        aiohttp.ClientSession(connector=connector, headers={"User-Agent": IPHONE}) as session,
    ):
        readers = Readers(service, session)
        assert list((await readers.explained()).values()) == pytest.approx([1 / 3] * 3)
        for _ in range(WAVES):
            await readers.wave()
            await readers.report("kind")
        learned = await readers.explained()
        assert learned["best"] > 0.5 > learned["fair"] + learned["dull"]
        counts = await readers.report("arm,kind")
        rates = {arm: Rate(counts[arm, "click"], counts[arm, "viewable"]) for arm in ("-", GUARD)}
        low, _ = Gain(rates["-"], rates[GUARD]).interval() or (0, 0)
        assert low > 0, rates
        async with session.get(f"{service.internal}/reports?site=example") as answer:
            assert "against Guard" in await answer.text()
        _rate_of_an_even_split_is_known_from_what_was_shown(readers.seen)
        assert await service.stop() == 0


def _rate_of_an_even_split_is_known_from_what_was_shown(seen: list[tuple[Token, bool]]) -> None:
    """Judge a rule that was not in force by the propensities of the one that was."""
    weighed = [
        clicked / len(RATES) * PROPENSITY_ONE / token.offers[0].propensity
        for token, clicked in seen
        if token.arm is Arm.NONE
    ]
    mean = sum(weighed) / len(weighed)
    spread = (sum((one - mean) ** 2 for one in weighed) / len(weighed) ** 2) ** 0.5
    assert abs(mean - sum(RATES.values()) / len(RATES)) < SURE * spread
