"""Decides what one page view shows and signs it into a token; waits for nothing, writes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.domain.ads import Placement, Site
from service.domain.articles import Article
from service.domain.audience import Platform
from service.domain.choosing import Choice, Draw
from service.domain.tokens import Signer, pack_offer
from service.flows.plan import PlanSource
from service.flows.ports import Clock

_U32 = 1 << 32


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked: which page of which site, for which placements, and how the reader came."""

    site: Site
    article: Article
    placements: tuple[Placement, ...]
    source: int = 0
    depth: int = 0


class Decision(NamedTuple):
    """The signed token and, for each placement asked for, the choice or None."""

    token: str
    choices: Sequence[Choice | None]


class Serials:
    """Numbers this process's tokens: a random issuer, then a count; knows its own again."""

    def __init__(self, random_u32: Callable[[], int]) -> None:
        self._random_u32 = random_u32
        self._own: set[int] = set()
        self._issuer = self._new_issuer()
        self._next = 0

    def take(self) -> tuple[int, int]:
        """Return the next (issuer, serial); no pair comes twice."""
        if self._next == _U32:
            self._issuer, self._next = self._new_issuer(), 0
        serial = self._next
        self._next = serial + 1
        return self._issuer, serial

    def owns(self, issuer: int) -> bool:
        """Say whether this process issued under that number."""
        return issuer in self._own

    def _new_issuer(self) -> int:
        issuer = self._random_u32()
        while issuer in self._own:
            issuer = self._random_u32()
        self._own.add(issuer)
        return issuer


class Decider:
    """Turns a page into a decision with the plan of the moment."""

    def __init__(
        self,
        plan: PlanSource,
        signer: Callable[[], Signer],
        serials: Serials,
        *,
        clock: Clock,
        draw: Draw,
    ) -> None:
        self._plan = plan
        self._signer = signer
        self._serials = serials
        self._clock = clock
        self._draw = draw

    def decide(self, page: Page, platform: Platform, *, gpc: bool) -> Decision:
        """Pick for each placement and sign the lot: a few look-ups and one draw per placement."""
        plan, site, draw = self._plan(), page.site, self._draw
        choices, offers = [], b""
        for placement in page.placements:
            choice = plan.pools_of(site, placement.id)[platform].pick(draw)
            choices.append(choice)
            if choice is not None:
                offers += pack_offer(placement.code, choice.code, choice.propensity)
        issuer, serial = self._serials.take()
        token = self._signer().sign_fields(
            self._clock(), issuer, serial, site.code, page.article.id, platform, page.source,
            page.depth, gpc, offers,
        )  # fmt: skip
        return Decision(token, choices)
