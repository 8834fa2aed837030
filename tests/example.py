"""The example configuration that the repository ships, as values, and short ways to vary it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.adapters.catalog import load_catalog
from service.domain.ads import Campaign, Creative, Flight, Tier
from service.domain.articles import Article, ArticlePattern, canonical_article
from service.domain.catalog import Catalog
from service.domain.sites import Site
from service.domain.tokens import Signer

CATALOG: Catalog = load_catalog(Path(__file__).resolve().parents[1] / "config")[0]
SITE = CATALOG.sites["example"]
APP = CATALOG.apps["vital-signs"]
CAMPAIGN = CATALOG.campaigns["vital-signs"]
CREATIVE = CAMPAIGN.creatives[0]
TOP, BOTTOM = SITE.placements

NOW_MS = int(datetime(2026, 11, 24, 13, 20, 5, tzinfo=UTC).timestamp() * 1_000)
HOUR = NOW_MS // 3_600_000
ARTICLE: Article = canonical_article("https://news.example/world/summit")
OTHER_ARTICLE: Article = canonical_article("https://news.example/sport/final")
SIGNER = Signer({1: bytes(range(32)), 2: bytes(range(32, 64))}, 1)
STRANGER = Signer({1: bytes(range(64, 96))}, 1)  # holds another key under the same number


def creative(identifier: str, *placements: str, weight: float = 1.0) -> Creative:
    """Return a creative for these placements, `top` if none is named."""
    return Creative(identifier, f"Get {identifier}", placements or ("top",), weight=weight)


def campaign(identifier: str, *creatives: Creative, **changes: Any) -> Campaign:
    """Return a house campaign without end, of one creative of the same name unless told."""
    made = Campaign(
        identifier, APP.id, Tier.HOUSE, creatives or (creative(identifier),), (Flight(0),)
    )
    return replace(made, **changes)


def site(identifier: str, **changes: Any) -> Site:
    """Return another site, like the example but under its own host."""
    host = f"{identifier}.example"
    other = replace(
        SITE,
        id=identifier,
        origins=frozenset({f"https://{host}"}),
        articles=(ArticlePattern("https", host, subdomains=False, path="/*"),),
        fallback=f"https://{host}/apps",
    )
    return replace(other, **changes)


def catalog(*campaigns: Campaign, sites: tuple[Site, ...] = (SITE,), **changes: Any) -> Catalog:
    """Return the example with these campaigns and sites only."""
    return replace(
        CATALOG,
        sites={site.id: site for site in sites},
        campaigns={campaign.id: campaign for campaign in campaigns},
        **changes,
    )
