"""A page view of the example and what readers do on it, judged by a real Recorder."""

from typing import Any

from service.domain.ads import code_of
from service.domain.audience import Agent, Platform
from service.domain.delays import Delays
from service.domain.events import Event, Kind
from service.domain.tokens import Offer, Parsed, Token, parse_token
from service.flows.meanings import Deed
from service.flows.plan import Planner
from service.flows.record import Reader, Recorder
from service.flows.serials import Serials
from tests.example import (
    ARTICLE,
    BOTTOM,
    CREATIVE,
    NOW_MS,
    SIGNER,
    SITE,
    TOP,
    campaign,
    catalog,
    creative,
)
from tests.fakes import MemoryLog, Numbers, StandingClock
from tests.planning import planner as planner_of

ISSUER, CHUNK = 0xDEADBEEF, 65_536
CATALOG = catalog(
    campaign("vital-signs", CREATIVE), campaign("rival", creative("rival-a"), creative("rival-b"))
)
TOKEN = Token(
    NOW_MS - 5_000, ISSUER, CHUNK + 3, SITE.code, ARTICLE.id, Platform.IOS, source=3, depth=1,
    offers=(
        Offer(TOP.code, CREATIVE.code, 65_535),
        Offer(BOTTOM.code, CREATIVE.code, 65_535),
        Offer(TOP.code, code_of("rival-a"), 30_000),
    ),
)  # fmt: skip
PHONE = Agent(Platform.IOS, bot=False)
READER = Reader(PHONE, origin="https://news.example")
IMPRESSION = Deed(Kind.IMPRESSION, "top", "vs-text")


def recorder(
    log: MemoryLog | None = None, *, planner: Planner | None = None, delays: Delays | None = None
) -> Recorder:
    """Return a recorder of the example that issues under number 7 itself."""
    clock = StandingClock(NOW_MS)
    planner = planner or planner_of(CATALOG, clock)
    return Recorder(
        log or MemoryLog(), lambda: planner.plan, lambda: SIGNER, Serials(Numbers([7])), clock,
        delays or Delays(),
    )  # fmt: skip


def signed(**changes: Any) -> Parsed:
    """Return the page view's token, with these changes, as it comes back."""
    return parse_token(SIGNER.sign(TOKEN._replace(**changes)))


def event_of(deed: Deed, *, reader: Reader = READER, **changes: Any) -> Event:
    """Return what becomes of one deed under the token with these changes."""
    (event,) = recorder().judged(signed(**changes), [deed], reader)
    return event
