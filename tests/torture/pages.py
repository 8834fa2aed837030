"""Page views and what readers do on them, as requests of genuine tokens; sends nothing.

What was offered, acknowledged or left without an answer is kept as masks of a token's 32 bits.
"""

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from service.adapters.key_file import KeyFile
from service.domain.audience import Platform
from service.domain.choosing import PROPENSITY_ONE
from service.domain.events import BITS_PER_TOKEN, CHUNK_TOKENS, SHARDS, UNUSED, Kind, bit_of
from service.domain.events import shard_of as shard_of
from service.domain.tokens import Offer, Token, parse_token
from tests.example import ARTICLE, CATALOG, CREATIVE, SITE

NETWORKS = {
    network.id: network.code
    for network in CATALOG.networks.values()
    if network.id in {*SITE.share, "copy", "native"}
}
PLACEMENT_KINDS = (Kind.IMPRESSION, Kind.VIEWABLE, Kind.CLICK, Kind.DISMISS)
Named = tuple[str, str, str]
"""Kind, placement and network as reports name them, `-` for unused."""


class Page:
    """One page view; `offered`, `acked` and `maybe` are masks of bits, by what became of them."""

    __slots__ = ("acked", "chunk", "issuer", "maybe", "offered", "own", "place", "serial", "token")

    def __init__(self, token: str, issuer: int, serial: int, *, own: bool) -> None:
        self.token = token
        self.issuer = issuer
        self.serial = serial
        self.chunk, self.place = divmod(serial, CHUNK_TOKENS)
        self.own = own  # a service decided it, so it judges what comes too fast
        self.offered = self.acked = self.maybe = 0


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing to report of a page; `where` is its placement or network, if it has one."""

    kind: Kind
    where: str = ""

    @property
    def bit(self) -> int:
        """The bit of a token that counts it once."""
        if self.kind is Kind.SHARE:
            return bit_of(self.kind, NETWORKS[self.where])
        names = [placement.id for placement in SITE.placements]
        return bit_of(self.kind, names.index(self.where) if self.where else 0)

    @property
    def named(self) -> Named:
        """How reports name it."""
        if self.kind is Kind.SHARE:
            return str(self.kind), UNUSED, self.where
        return str(self.kind), self.where or UNUSED, UNUSED

    def as_json(self) -> dict[str, str]:
        """Return it as browsers send it."""
        found = {"kind": str(self.kind)}
        if self.kind is Kind.VIEW:
            found |= {"url": ARTICLE.url, "title": "Talks at the summit"}
        elif self.kind is Kind.SHARE:
            found["network"] = self.where
        else:
            found |= {"placement": self.where, "creative": CREATIVE.id}
        return found


DEEDS = (
    Deed(Kind.VIEW),
    *(Deed(kind, placement.id) for placement in SITE.placements for kind in PLACEMENT_KINDS),
    *(Deed(Kind.SHARE, network) for network in NETWORKS),
)
BY_BIT = {deed.bit: deed for deed in DEEDS}
TOP, BOTTOM = (placement.id for placement in SITE.placements)
FIRST = (Deed(Kind.VIEW), Deed(Kind.IMPRESSION, TOP), Deed(Kind.IMPRESSION, BOTTOM))
LATER = (
    *(Deed(Kind.VIEWABLE, TOP), Deed(Kind.VIEWABLE, BOTTOM), Deed(Kind.DISMISS, BOTTOM)),
    *(Deed(Kind.SHARE, "copy"), Deed(Kind.SHARE, "native")),
)
MATURE_S = 1.1  # a service that decided itself calls a sooner `viewable` too fast


@dataclass(frozen=True, slots=True, eq=False)
class Beacon:
    """One request: a POST of deeds where `body` is given, else a redirect by GET of one.

    `after_s` is how long after the page began it is sent, `mask` the deeds' bits.
    """

    page: Page
    deeds: tuple[Deed, ...]
    path: str
    after_s: float = 0.0
    body: bytes | None = None

    @property
    def mask(self) -> int:
        """The bits of the deeds as one number, bit 0 the lowest."""
        return sum(1 << deed.bit for deed in set(self.deeds))

    @property
    def kinds(self) -> list[str]:
        """The kinds of the deeds, each as often as it is done."""
        return [str(deed.kind) for deed in self.deeds]


def posted(page: Page, *deeds: Deed, after_s: float = 0.0) -> Beacon:
    """Return the beacon that reports deeds."""
    body = {"token": page.token, "events": [deed.as_json() for deed in deeds]}
    return Beacon(page, deeds, "/v1/events", after_s, json.dumps(body).encode())


def beacons_of(page: Page) -> list[Beacon]:
    """Return what is posted of a page: two beacons, eight events."""
    later_s = MATURE_S if page.own else 0.0
    return [posted(page, *FIRST), posted(page, *LATER, after_s=later_s)]


def redirects_of(page: Page, network: str) -> list[Beacon]:
    """Return a click on the ad and a share of the article."""
    click, share = Deed(Kind.CLICK, TOP), Deed(Kind.SHARE, network)
    later_s = MATURE_S if page.own else 0.0
    link = f"/s/{page.token}/{network}?u={quote(ARTICLE.url, safe='')}&t=Talks"
    return [
        Beacon(page, (click,), f"/c/{page.token}/{TOP}", later_s),
        Beacon(page, (share,), link),
    ]


def bits_in(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    return (bit for bit in range(BITS_PER_TOKEN) if mask >> bit & 1)


def mint(keys: Path) -> Iterator[Page]:
    """Yield pages for ever, genuine like those of replicas, one shard after the other.

    `keys` is the key file of the service under test.
    """
    signer = KeyFile(keys).signer
    base = secrets.randbits(28)
    offers = tuple(
        Offer(placement.code, CREATIVE.code, PROPENSITY_ONE) for placement in SITE.placements
    )
    for number in count():
        serial, shard = divmod(number, SHARDS)
        issuer = base * SHARDS + shard
        token = Token(
            time.time_ns() // 1_000_000, issuer, serial, SITE.code, ARTICLE.id, Platform.DESKTOP,
            offers=offers,
        )  # fmt: skip
        yield Page(signer.sign(token), issuer, serial, own=False)


def decided(answer: Any) -> Page:
    """Return the page of a service's own decision, which must have filled every placement."""
    token = parse_token(answer["token"]).token
    assert [offer.placement for offer in token.offers] == [place.code for place in SITE.placements]
    return Page(answer["token"], token.issuer, token.serial, own=True)
