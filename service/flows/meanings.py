"""What a reader's deed means by the token that offered it: names and a bit; judges nothing."""

from typing import NamedTuple

from service.domain.articles import Article
from service.domain.audience import Platform
from service.domain.codes import Codebook
from service.domain.events import OTHER, RUNNER_UP, UNUSED, Kind, bit_of
from service.domain.names import creative_name
from service.domain.sharing import BROWSER_NETWORKS
from service.domain.sites import Placement, Site
from service.domain.tokens import Arm, Offer, Token

KEPT_MAX = 4_096


class Deed(NamedTuple):
    """One thing a reader did, as the browser names it; the token says what it means."""

    kind: Kind
    placement: str | None = None
    creative: str | None = None
    runner_up: int = 0
    network: str | None = None
    article: Article | None = None
    title: str = ""


class Meaning(NamedTuple):
    """How a deed is counted, if the token offered it; `bit` is among its token's 32.

    `field`, `pace` and `names` are an event's; `about` is what of its article's field comes
    before and after the article's id.
    """

    offered: bool
    site: Site | None
    field: str
    bit: int
    about: tuple[str, str]
    pace: str | None
    names: tuple[tuple[str, str], ...]


class Meanings:
    """Finds what deeds mean, and keeps what was offered: most page views are offered the same."""

    def __init__(self) -> None:
        self._codebook: Codebook | None = None
        self._kept: dict[tuple[object, ...], Meaning] = {}

    def of(self, deed: Deed, token: Token, codebook: Codebook) -> Meaning:
        """Return what a deed means by a genuine token."""
        if codebook is not self._codebook or len(self._kept) >= KEPT_MAX:
            self._codebook, self._kept = codebook, {}
        kind, article = deed.kind, deed.article
        about = _about(deed)
        key = kind, about, token.site, token.platform, token.source, token.arm, token.offers
        meaning = self._kept.get(key)
        if meaning is None:
            meaning = _meaning(deed, token, codebook)
            if meaning.offered:  # else a stranger would choose what is kept
                self._kept[key] = meaning
        if kind is Kind.SHARE and article is not None and article.id != token.article:
            return meaning._replace(offered=False)
        return meaning


def _about(deed: Deed) -> object:
    """Return what of a deed its kind goes by; the rest is a stranger's, and may be long."""
    if deed.kind is Kind.VIEW:
        return None
    if deed.kind is Kind.SHARE:
        return deed.network
    return deed.placement, deed.creative, deed.runner_up


class _Offered(NamedTuple):
    """What a deed is about, in the names of the configuration; `position` is the bit's."""

    offered: bool
    placement: str = UNUSED
    campaign: str = UNUSED
    creative: str = UNUSED
    network: str = UNUSED
    position: int = 0
    teaches: bool = False
    names: tuple[tuple[str, str], ...] = ()


def unknown(kind: Kind, platform: Platform | None, source: str) -> str:
    """Return the field of an event that no token names."""
    return _field(OTHER, _Offered(offered=False), platform, source, Arm.NONE, kind)


def _meaning(deed: Deed, token: Token, codebook: Codebook) -> Meaning:
    site, source = codebook.sites.get(token.site), codebook.network_id(token.source)
    site_id, found = site.id if site else OTHER, _offered(deed, token, site, codebook)
    return Meaning(
        found.offered,
        site,
        _field(site_id, found, token.platform, source, token.arm, deed.kind),
        bit_of(deed.kind, found.position),
        (f"{site_id}|", f"|{source}|{deed.kind}|{found.network}"),
        _pace(found, token, deed.kind),
        found.names,
    )


def _field(
    site: str, found: _Offered, platform: Platform | None, source: str, arm: Arm, kind: Kind
) -> str:
    return (
        f"{site}|{found.placement}|{found.campaign}|{found.creative}"
        f"|{UNUSED if platform is None else platform.label}|{source}|{arm.label}|{kind}"
        f"|{found.network}"
    )


def _pace(found: _Offered, token: Token, kind: Kind) -> str | None:
    """Name an event for the planner: budgets count runner-ups too, what is learned does not."""
    if found.creative == UNUSED:
        return None
    arm = token.arm.label if found.teaches else RUNNER_UP
    return f"{found.creative}|{found.placement}|{token.platform.label}|{arm}|{kind}"


def _offered(deed: Deed, token: Token, site: Site | None, codebook: Codebook) -> _Offered:
    if deed.kind is Kind.VIEW:
        return _Offered(offered=site is not None)
    if deed.kind is Kind.SHARE:
        return _shared(deed, site, codebook)
    placement = _placement(site, deed.placement)
    if placement is None:
        return _Offered(offered=False, placement=OTHER)
    entry = _entry(token, placement.code, codebook, deed)
    held = token.arm is Arm.HOLD and deed.kind is not Kind.IMPRESSION  # nothing to look at or click
    if entry is None or held:
        return _Offered(offered=False, placement=placement.id)
    rank, offer = entry
    position = token.position(placement.code)
    campaign, creative = codebook.creatives[offer.creative]
    return _Offered(
        True, placement.id, campaign.id, creative.id, position=position, teaches=rank == 0,
        names=(creative_name(offer.creative, campaign.id, creative.id),),
    )  # fmt: skip


def _placement(site: Site | None, name: str | None) -> Placement | None:
    for placement in site.placements if site else ():
        if placement.id == name:
            return placement
    return None


def _entry(
    token: Token, placement: int, codebook: Codebook, deed: Deed
) -> tuple[int, Offer] | None:
    """Return the offer a deed is about and its rank: by creative if named, else by rank.

    None where the token offers no such thing, or a creative that this process does not know.
    """
    for rank, offer in enumerate(token.entries(placement)):
        known = codebook.creatives.get(offer.creative)
        if known is None:
            continue
        if rank == deed.runner_up if deed.creative is None else known[1].id == deed.creative:
            return rank, offer
    return None


def _shared(deed: Deed, site: Site | None, codebook: Codebook) -> _Offered:
    network = next((n for n in codebook.networks.values() if n.id == deed.network), None)
    if network is None:
        return _Offered(offered=False, network=OTHER)
    offered = site is not None and (network.id in site.share or network.id in BROWSER_NETWORKS)
    return _Offered(offered, network=network.id, position=network.code)
