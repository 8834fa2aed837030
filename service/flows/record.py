"""Judges what readers did against the token that offered it, and makes it durable.

Nothing that is counted comes from a query string; nothing is dropped in silence.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from service.domain.audience import Agent, Platform
from service.domain.codes import Codebook
from service.domain.delays import Delays
from service.domain.events import HOUR_MS, UNUSED, Event, Facts, Kind, Verdict, judge, shard_of
from service.domain.names import article_name
from service.domain.sites import Site
from service.domain.tokens import Parsed, Signer, Token
from service.flows.meanings import Deed, Meanings, unknown
from service.flows.plan import PlanSource
from service.flows.ports import Clock, EventLog, Told
from service.flows.serials import Serials

_FORGED_SHARD = 0
_ANYWHERE = "null"  # an opaque origin: sandboxed frames and the like, allowed


class Reader(NamedTuple):
    """What the request says of itself: agent, whether it only prefetches, where it comes from."""

    agent: Agent
    prefetch: bool = False
    origin: str | None = None


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
        self._meanings = Meanings()

    def record(
        self, parsed: Parsed | None, deeds: Sequence[Deed], reader: Reader
    ) -> Awaitable[None]:
        """Judge deeds of one token and resolve when they are on disk; may raise JournalRefused."""
        return self._log.append(self.judged(parsed, deeds, reader))

    def note(
        self, parsed: Parsed | None, deeds: Sequence[Deed], reader: Reader, told: Told
    ) -> None:
        """Do the same for somebody who is told in place of waiting; may raise too."""
        self._log.add(self.judged(parsed, deeds, reader), told)

    def judged(self, parsed: Parsed | None, deeds: Sequence[Deed], reader: Reader) -> list[Event]:
        """Return one event per deed; None, or a MAC that no key made, is forged."""
        now_ms = self._clock()
        if parsed is None or not self._signer().genuine(parsed):
            return [_forged(deed.kind, now_ms) for deed in deeds]
        token, codebook = parsed.token, self._plan().codebook
        return [self._event(token, codebook, deed, reader, now_ms) for deed in deeds]

    def opened(self, platform: Platform, reader: Reader) -> Awaitable[None]:
        """Count a short link's visit; it has no token, so nothing makes it count once."""
        now_ms = self._clock()
        verdict = Verdict.VALID
        if reader.prefetch:
            verdict = Verdict.PREFETCH
        elif reader.agent.bot:
            verdict = Verdict.BOT
        field = unknown(Kind.OPEN, platform, UNUSED)
        return self._log.append([Event(now_ms // HOUR_MS, _FORGED_SHARD, field, verdict)])

    def _event(
        self, token: Token, codebook: Codebook, deed: Deed, reader: Reader, now_ms: int
    ) -> Event:
        meaning = self._meanings.of(deed, token, codebook)
        age_ms = now_ms - token.issued_ms
        verdict = judge(
            Facts(
                deed.kind,
                age_ms,
                self._serials.owns(token.issuer),
                token.preview,
                reader.prefetch,
                reader.agent.bot,
                _right_site(meaning.site, reader.origin),
                meaning.offered and not reader.agent.contradicts(token.platform),
            )
        )
        hour, shard = now_ms // HOUR_MS, shard_of(token.issuer, token.serial)
        if verdict is not Verdict.VALID:
            return Event(hour, shard, meaning.field, verdict)
        self._delays.note(deed.kind, age_ms)
        before, after = meaning.about
        return Event(
            hour, shard, meaning.field, verdict, 1,
            (token.issuer, token.serial >> 16, (token.serial & 0xFFFF) * 32 + meaning.bit),
            f"{before}{token.article.hex()}{after}",
            meaning.pace,
            meaning.names + _article_names(token, deed),
        )  # fmt: skip


def _forged(kind: Kind, now_ms: int) -> Event:
    return Event(now_ms // HOUR_MS, _FORGED_SHARD, unknown(kind, None, UNUSED), Verdict.FORGED)


def _article_names(token: Token, deed: Deed) -> tuple[tuple[str, str], ...]:
    # The address is the browser's word; only the token's own article may be named by it.
    if deed.kind is not Kind.VIEW or deed.article is None or deed.article.id != token.article:
        return ()
    return (article_name(deed.article, deed.title),)


def _right_site(site: Site | None, origin: str | None) -> bool:
    if origin is None or origin == _ANYWHERE:
        return True
    return site is not None and origin in site.origins
