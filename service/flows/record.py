"""Judges what readers did against the token that offered it, and makes it durable.

Nothing that is counted comes from a query string; nothing is dropped in silence.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from service.domain.ads import Placement, Site
from service.domain.articles import Article
from service.domain.audience import Agent, Platform
from service.domain.codes import Codebook
from service.domain.delays import Delays
from service.domain.events import (
    HOUR_MS,
    OTHER,
    RUNNER_UP,
    UNUSED,
    Event,
    Facts,
    Kind,
    Verdict,
    bit_of,
    judge,
    shard_of,
)
from service.domain.names import article_name, creative_name
from service.domain.sharing import BROWSER_NETWORKS
from service.domain.tokens import Arm, Offer, Parsed, Signer, Token
from service.flows.plan import PlanSource
from service.flows.ports import Clock, EventLog
from service.flows.serials import Serials

_FORGED_SHARD = 0
_ANYWHERE = "null"  # an opaque origin: sandboxed frames and the like, allowed


class Reader(NamedTuple):
    """What the request says of itself: agent, whether it only prefetches, where it comes from."""

    agent: Agent
    prefetch: bool = False
    origin: str | None = None


class Deed(NamedTuple):
    """One thing a reader did, as the browser names it; the token says what it means."""

    kind: Kind
    placement: str | None = None
    creative: str | None = None
    runner_up: int = 0
    network: str | None = None
    article: Article | None = None
    title: str = ""


class _Meaning(NamedTuple):
    """A deed resolved against its token: how it is named, which bit it takes, if offered."""

    offered: bool
    placement: str = UNUSED
    campaign: str = UNUSED
    creative: str = UNUSED
    network: str = UNUSED
    position: int = 0
    teaches: bool = False
    names: tuple[tuple[str, str], ...] = ()


class Recorder:
    """Makes events of deeds and hands them to the log."""

    def __init__(
        self,
        log: EventLog,
        plan: PlanSource,
        signer: Callable[[], Signer],
        serials: Serials,
        clock: Clock,
        delays: Delays,
    ) -> None:
        self._log = log
        self._plan = plan
        self._signer = signer
        self._serials = serials
        self._clock = clock
        self._delays = delays

    def record(
        self, parsed: Parsed | None, deeds: Sequence[Deed], reader: Reader
    ) -> Awaitable[None]:
        """Judge deeds of one token and resolve when they are on disk; may raise JournalRefused."""
        return self._log.append(self.judged(parsed, deeds, reader))

    def judged(self, parsed: Parsed | None, deeds: Sequence[Deed], reader: Reader) -> list[Event]:
        """Return one event per deed; None, or a MAC that no key made, is forged."""
        now_ms = self._clock()
        if parsed is None or not self._signer().genuine(parsed):
            return [_forged(deed.kind, now_ms) for deed in deeds]
        token, codebook = parsed.token, self._plan().codebook
        site = codebook.sites.get(token.site)
        return [self._event(token, site, codebook, deed, reader, now_ms) for deed in deeds]

    def opened(self, platform: Platform, reader: Reader) -> Awaitable[None]:
        """Count a short link's visit; it has no token, so nothing makes it count once."""
        now_ms = self._clock()
        verdict = Verdict.VALID
        if reader.prefetch:
            verdict = Verdict.PREFETCH
        elif reader.agent.bot:
            verdict = Verdict.BOT
        field = _field(OTHER, _Meaning(offered=True), platform, "-", Arm.NONE, Kind.OPEN)
        return self._log.append([Event(now_ms // HOUR_MS, _FORGED_SHARD, field, verdict)])

    def _event(
        self, token: Token, site: Site | None, codebook: Codebook, deed: Deed, reader: Reader,
        now_ms: int,
    ) -> Event:  # fmt: skip
        meaning = _meaning(token, site, codebook, deed)
        verdict = judge(
            Facts(
                deed.kind,
                now_ms - token.issued_ms,
                self._serials.owns(token.issuer),
                token.preview,
                reader.prefetch,
                reader.agent.bot,
                _right_site(site, reader.origin),
                meaning.offered and not reader.agent.contradicts(token.platform),
            )
        )
        source = codebook.network_id(token.source)
        site_id = site.id if site else OTHER
        hour, shard = now_ms // HOUR_MS, shard_of(token.issuer, token.serial)
        field = _field(site_id, meaning, token.platform, source, token.arm, deed.kind)
        if verdict is not Verdict.VALID:
            return Event(hour, shard, field, verdict)
        self._delays.note(deed.kind, now_ms - token.issued_ms)
        bit = (token.serial & 0xFFFF) * 32 + bit_of(deed.kind, meaning.position)
        return Event(
            hour, shard, field, verdict, 1,
            (token.issuer, token.serial >> 16, bit),
            f"{site_id}|{token.article.hex()}|{source}|{deed.kind}|{meaning.network}",
            _pace(meaning, token, deed.kind),
            meaning.names + _article_names(token, deed),
        )  # fmt: skip


def _forged(kind: Kind, now_ms: int) -> Event:
    field = _field(OTHER, _Meaning(offered=False), None, UNUSED, Arm.NONE, kind)
    return Event(now_ms // HOUR_MS, _FORGED_SHARD, field, Verdict.FORGED)


def _field(
    site: str, meaning: _Meaning, platform: Platform | None, source: str, arm: Arm, kind: Kind
) -> str:
    return (
        f"{site}|{meaning.placement}|{meaning.campaign}|{meaning.creative}"
        f"|{UNUSED if platform is None else platform.label}|{source}|{arm.label}|{kind}"
        f"|{meaning.network}"
    )


def _meaning(token: Token, site: Site | None, codebook: Codebook, deed: Deed) -> _Meaning:
    if deed.kind is Kind.VIEW:
        return _Meaning(offered=site is not None)
    if deed.kind is Kind.SHARE:
        return _shared(site, codebook, deed, token)
    placement = _placement(site, deed.placement)
    if placement is None:
        return _Meaning(offered=False, placement=OTHER)
    position = token.position(placement.code)
    entry = _entry(token, placement.code, codebook, deed)
    if position is None or entry is None:
        return _Meaning(offered=False, placement=placement.id)
    rank, offer = entry
    campaign, creative = codebook.creatives[offer.creative]
    return _Meaning(
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


def _shared(site: Site | None, codebook: Codebook, deed: Deed, token: Token) -> _Meaning:
    network = next((n for n in codebook.networks.values() if n.id == deed.network), None)
    if network is None:
        return _Meaning(offered=False, network=OTHER)
    offered = site is not None and (network.id in site.share or network.id in BROWSER_NETWORKS)
    same_article = deed.article is None or deed.article.id == token.article
    return _Meaning(offered and same_article, network=network.id, position=network.code)


def _pace(meaning: _Meaning, token: Token, kind: Kind) -> str | None:
    """Name an event for the planner: budgets count runner-ups too, what is learned does not."""
    if meaning.creative == UNUSED:
        return None
    platform = token.platform.label
    arm = token.arm.label if meaning.teaches else RUNNER_UP
    return f"{meaning.creative}|{meaning.placement}|{platform}|{arm}|{kind}"


def _article_names(token: Token, deed: Deed) -> tuple[tuple[str, str], ...]:
    # The address is the browser's word; only the token's own article may be named by it.
    if deed.kind is not Kind.VIEW or deed.article is None or deed.article.id != token.article:
        return ()
    return (article_name(deed.article, deed.title),)


def _right_site(site: Site | None, origin: str | None) -> bool:
    if origin is None or origin == _ANYWHERE:
        return True
    return site is not None and origin in site.origins
