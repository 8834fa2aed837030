"""A publisher to measure with: its configuration, articles, and tokens signed by its own keys.

The tokens are genuine, so that what is measured is counting, not refusing.
"""

import json
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from service.adapters.catalog import load_catalog
from service.adapters.key_file import KeyFile, create_key_file
from service.domain.articles import Article, canonical_article
from service.domain.choosing import PROPENSITY_ONE
from service.domain.sites import Site
from service.domain.tokens import Offer, Signer, Token
from tests.bench.readers import ORIGIN, Browser
from tests.serving import copied_config

ARTICLES = 10_000
CAMPAIGNS = 10
MANY = 10_000
TWO, FOUR = "bench", "bench-four"  # sites, by how many placements they have
_SITES = {
    TWO: (("top", "bottom"), ("facebook", "twitter", "reddit", "linkedin")),
    FOUR: (
        ("top", "bottom", "side", "foot"),
        ("facebook", "twitter", "reddit", "linkedin", "whatsapp", "telegram", "bluesky"),
    ),
}
_SECTIONS = ("world", "politics", "business", "science", "health", "sport", "culture", "travel")
_WORDS = (
    *("summit", "talks", "budget", "storm", "study", "court", "climate", "market", "election"),
    *("hospital", "school", "union", "border", "river", "energy", "history", "final", "museum"),
)
Mint = Callable[[Browser, Article], str]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where configuration and keys are, and what of them makes requests and tokens."""

    config: Path
    keys: Path
    sites: dict[str, Site]
    creative: str
    creative_code: int
    signer: Signer
    articles: tuple[tuple[Article, str], ...]

    def mint(self, site_id: str, replicas: int = 1) -> Mint:
        """Return a maker of fresh tokens, like those of so many replicas by turns: issued now."""
        site = self.sites[site_id]
        offers = tuple(
            Offer(placement.code, self.creative_code, PROPENSITY_ONE // 2)
            for placement in site.placements
        )
        issuer, issued_ms = secrets.randbits(31), time.time_ns() // 1_000_000
        number = count()

        def minted(browser: Browser, article: Article) -> str:
            serial, replica = divmod(next(number), replicas)
            token = Token(
                issued_ms, issuer + replica, serial, site.code, article.id, browser.platform,
                offers=offers,
            )  # fmt: skip
            return self.signer.sign(token)

        return minted


def publisher(directory: Path, campaigns: int = CAMPAIGNS, *, choosy: bool = False) -> Publisher:
    """Write configuration and keys into a directory, and read them as the service does.

    Campaigns that are choosy are for pages with one of their two words among six tags: 57 % of them
    may show on one, of ten as of ten thousand.
    """
    config, keys = copied_config(directory), directory / "keys"
    for name, (placements, share) in _SITES.items():
        _write(config / f"sites/{name}.yaml", _site(name, placements, share))
    for number in range(campaigns):
        campaign = _campaign(f"bench-{number}")
        if choosy:
            campaign["target"] = {"tag": random.Random(number).sample(_WORDS, 2)}
        _write(config / f"campaigns/{campaign['id']}.yaml", campaign)
    create_key_file(keys)
    catalog, _ = load_catalog(config)
    creative = catalog.campaigns["bench-0"].creatives[0]
    return Publisher(
        config,
        keys,
        dict(catalog.sites),
        creative.id,
        creative.code,
        KeyFile(keys).signer,
        tuple(_article(number) for number in range(ARTICLES)),
    )


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(json.dumps(document))  # JSON is YAML


def _site(name: str, placements: tuple[str, ...], share: tuple[str, ...]) -> dict[str, object]:
    return {
        "id": name,
        "name": "Bench News",
        "origins": [ORIGIN],
        "articles": [f"{ORIGIN}/*"],
        "placements": {place: {"code": code} for code, place in enumerate(placements, 1)},
        "share": list(share),
        "fallback": f"{ORIGIN}/apps",
    }


def _campaign(name: str) -> dict[str, object]:
    creatives = [
        {
            "id": f"{name}-{variant}",
            "headline": "Download Vital Signs App (VS App)",
            "body": "Your vital signs, measured and explained, on your phone.",
            "cta": "Download",
            "placements": list(_SITES[FOUR][0]),
        }
        for variant in ("a", "b")
    ]
    return {
        "id": name,
        "app": "vital-signs",
        "tier": "standard",
        "sites": list(_SITES),
        "flights": [{"start": "2026-01-01T00:00:00Z"}],
        "creatives": creatives,
    }


def _article(number: int) -> tuple[Article, str]:
    """Return the same article for a number in every run, with its title."""
    chosen = random.Random(number)
    words = chosen.sample(_WORDS, 6)
    address = f"{ORIGIN}/{chosen.choice(_SECTIONS)}/2026/{'-'.join(words)}-{number}"
    return canonical_article(address), " ".join(words).capitalize()
