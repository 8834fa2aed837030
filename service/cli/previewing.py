"""`preview CREATIVE URL`: prints a link that shows one creative for a day; counts nothing."""

import argparse
import os
import time
from collections.abc import Mapping, Sequence

from service.adapters.catalog import load_catalog
from service.adapters.key_file import KeyFile
from service.cli.checking import add_config
from service.cli.words import say
from service.domain.ads import Campaign, Creative
from service.domain.articles import Article, canonical_article
from service.domain.audience import Platform
from service.domain.catalog import Catalog
from service.domain.choosing import PROPENSITY_ONE
from service.domain.errors import BadInput
from service.domain.sites import Site
from service.domain.tokens import PREVIEW, Offer, Token
from service.settings.reading import read_settings


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print the link; raises `BadInput` for what is not configured."""
    parser = argparse.ArgumentParser(
        prog="handbill preview",
        description="Print an article's address that shows one creative for 24 hours to whoever"
        " opens it. What it shows is counted as preview, never as valid.",
    )
    parser.add_argument("creative", help="the creative's id")
    parser.add_argument("url", help="an article's address")
    add_config(parser, environ)
    parser.add_argument("--keys", help="the service's key file [HANDBILL_KEYS]")
    parser.add_argument("--data", help="the service's data directory [HANDBILL_DATA]")
    given = parser.parse_args(arguments)
    flags = [f"--{name}={text}" for name in ("keys", "data") if (text := vars(given)[name])]
    signer = KeyFile(read_settings(flags, environ).keys).signer
    catalog, _ = load_catalog(given.config)
    article = canonical_article(given.url)
    campaign, creative = _creative(catalog, given.creative)
    site = _site(catalog, article, campaign, creative)
    offers = (Offer(0, creative.code, PROPENSITY_ONE),)
    token = Token(
        int(time.time() * 1_000), 0, 0, site.code, article.id, Platform.UNKNOWN, preview=True,
        offers=offers,
    )  # fmt: skip
    mark = "&" if "?" in article.url else "?"
    say(f"{article.url}{mark}hb=preview.{signer.sign(token, PREVIEW)}")
    return os.EX_OK


def _creative(catalog: Catalog, identifier: str) -> tuple[Campaign, Creative]:
    for campaign in catalog.campaigns.values():
        for creative in campaign.creatives:
            if creative.id == identifier:
                return campaign, creative
    raise BadInput("creative", "give the id of a configured creative")


def _site(catalog: Catalog, article: Article, campaign: Campaign, creative: Creative) -> Site:
    """Return a site with the article and a placement for the creative, of the campaign's first."""
    own = catalog.sites.keys() if campaign.sites is None else campaign.sites
    with_article = [site for site in catalog.sites.values() if site.allows(article.url)]
    with_article.sort(key=lambda site: site.id not in own)
    if not with_article:
        raise BadInput("url", "give an address that a configured site lists among its articles")
    for site in with_article:
        if any(placement.id in creative.placements for placement in site.placements):
            return site
    there = ", ".join(placement.id for placement in with_article[0].placements)
    message = (
        f"fits {', '.join(creative.placements)}, and site {with_article[0].id} has {there}: give"
        " a creative for one of these, or an article of another site"
    )
    raise BadInput("creative", message)
