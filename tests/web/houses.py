"""A running service of two sites for tests of its HTTP contract, and tokens as it signs them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from service.adapters.key_file import KeyFile
from service.domain.ads import code_of
from service.domain.articles import canonical_article
from service.domain.audience import Platform
from service.domain.tokens import PAGE, Offer, Purpose, Signer, Token
from tests.serving import copied_config
from tests.web.wire import Answer, Wire, query

# Not where the service listens, so that a link built from anything else would show.
PUBLIC_URL = "https://ads.example/hb"
ARTICLE = "https://news.example/world/summit"
COAST_ARTICLE = "https://coast.example/tides?day=1"
NEWS, COAST = "https://news.example", "https://coast.example"

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
MACINTOSH = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.5 Safari/605.1.15"
)
COUNTED_S = 10.0  # the promise is 2 s; a busy machine may take longer to tell, never to lose

COAST_SITE = """
id: coast
name: Coast & Sea
origins: ["https://coast.example"]
articles: ["https://coast.example/*", "https://*.coast.example/blog/*"]
timezone: Europe/Lisbon
placements: {top: {code: 7}, paused: {code: 8}, over: {code: 9}}
share: [reddit, telegram]
fallback: https://coast.example/our-apps?from=ads
labels: {advertisement: "<i>Ad</i>", share: "To & {network}"}
"""
TIDES_APP = """
id: tides
name: Tides <& "Moon">
android: {package: example.tides}
"""
CAMPAIGN = """
id: {id}
app: tides
tier: standard
sites: [coast]
paused: {paused}
sponsored: true
flights: [{{start: 2026-01-01T00:00:00Z{end}}}]
cap: {{max: 3, hours: 24}}
creatives:
  - id: {id}-a
    headline: 'Tides </script><b>"Waves"</b> & more'
    image: {{url: "https://img.example/w.png", width: 300, height: 60, alt: "A <wave>"}}
    placements: [{placement}]
"""


def two_sites(directory: Path) -> Path:
    """Return a configuration of the example and of a site that tries everything it may write."""
    config = copied_config(directory)
    (config / "sites" / "coast.yaml").write_text(COAST_SITE)
    (config / "apps" / "tides.yaml").write_text(TIDES_APP)
    for name, paused, end, placement in (
        ("running", "false", "", "top"),
        ("halted", "true", "", "paused"),
        ("ended", "false", ", end: 2026-01-02T00:00:00Z", "over"),
    ):
        text = CAMPAIGN.format(id=name, paused=paused, end=end, placement=placement)
        (config / "campaigns" / f"{name}.yaml").write_text(text)
    return config


@dataclass(frozen=True)
class House:
    """A running service: both listeners, its keys, and what it logged."""

    public: Wire
    internal: Wire
    keys: Path
    said: Callable[[], str]

    def decide(self, agent: str = IPHONE, site: str = "example", **params: str) -> dict[str, Any]:
        """Return the decision for a page of a site, as a browser gets it."""
        wanted = {"site": site, "url": ARTICLE if site == "example" else COAST_ARTICLE, **params}
        answer = self.public.get(f"/v1/decision?{query(**wanted)}", {"User-Agent": agent})
        assert answer.status == 200, answer
        decision: dict[str, Any] = answer.json()
        return decision

    def token(self, *, age_s: float = 10.0, purpose: Purpose = PAGE, **changes: Any) -> str:
        """Return a token of another process with the same keys, for an iPhone unless changed."""
        token = Token(
            0, 7, time.time_ns() // 1_000 % (1 << 32), code_of("example"),
            canonical_article(ARTICLE).id, Platform.IOS,
            offers=(Offer(1, code_of("vs-text"), 65_535), Offer(2, code_of("vs-text"), 65_535)),
        )  # fmt: skip
        issued = int((time.time() - age_s) * 1_000)
        return self.signer.sign(token._replace(issued_ms=issued, **changes), purpose)

    @cached_property
    def signer(self) -> Signer:
        """The service's own keys."""
        return KeyFile(self.keys).signer

    def report(self, token: str, *events: Mapping[str, object], **headers: str) -> Answer:
        """Post events of a token as an iPhone's browser on the site does; headers with `_`."""
        sent = {"User-Agent": IPHONE} | {k.replace("_", "-"): v for k, v in headers.items()}
        body = json.dumps({"token": token, "events": events}).encode()
        return self.public.post("/v1/events", body, sent)

    def follow(self, link: str, agent: str = IPHONE, **headers: str) -> Answer:
        """Follow a link of the service, wherever it is published, to its first answer."""
        target = link.removeprefix(PUBLIC_URL)
        sent = {"User-Agent": agent} | {k.replace("_", "-"): v for k, v in headers.items()}
        return self.public.get(target, sent)

    def counts(self, by: str = "kind,verdict", **params: str) -> "Counter[tuple[str, ...]]":
        """Return today's counts by the words of `by`, in their order."""
        answer = self.internal.get(f"/v1/report.json?{query(by=by, tz='UTC', **params)}")
        assert answer.status == 200, answer
        names = by.split(",")
        return Counter(
            {tuple(row[name] for name in names): row["count"] for row in answer.json()["rows"]}
        )

    def metric(self, series: str) -> float:
        """Return the value of one series, 0 where there is none."""
        lines = self.internal.get("/metrics").text.splitlines()
        return next((float(x.split()[-1]) for x in lines if x.startswith(f"{series} ")), 0.0)

    def counting(self, by: str = "kind,verdict", **params: str) -> "Counting":
        """Return what tells what is counted from now on."""
        return Counting(self, by, params)


class Counting:
    """What a service counted since this was made; all that came before is counted already."""

    def __init__(self, house: House, by: str, params: Mapping[str, str]) -> None:
        self._house, self._by, self._params = house, by, params
        deadline = time.monotonic() + COUNTED_S
        while house.metric("handbill_journal_events"):
            assert time.monotonic() < deadline, house.said()
            time.sleep(0.02)
        self._before = house.counts(by, **params)

    def gained(self, total: int) -> dict[tuple[str, ...], int]:
        """Return what was counted once it is so many events in all, or what there is in the end.

        Every event gets some verdict, so the right sum leaves nothing to come.
        """
        deadline = time.monotonic() + COUNTED_S
        while True:
            gained = self._house.counts(self._by, **self._params) - self._before
            if gained.total() >= total or time.monotonic() > deadline:
                return dict(gained)
            time.sleep(0.02)
