"""Decides what one page view shows and signs it into a token; waits for nothing, writes nothing."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from service.domain.choosing import PROPENSITY_ONE, Choice, Draw
from service.domain.errors import BadInput
from service.domain.events import HOUR_MS
from service.domain.experiments import arm_of
from service.domain.plans import Plan
from service.domain.tokens import PREVIEW, Arm, Parsed, Signer, pack_offer
from service.flows.choose import Shown, choose
from service.flows.pages import Audience, Page
from service.flows.plan import PlanSource
from service.flows.ports import Clock
from service.flows.serials import Serials

PREVIEW_MS = 24 * HOUR_MS
_NONE = Arm.NONE


class Decision(NamedTuple):
    """The signed token, the arm, and what is shown; in arm `hold`, what would have been."""

    token: str
    arm: Arm
    choices: Shown


class Decider:
    """Turns a page into a decision with the plan of the moment."""

    def __init__(
        self, plan: PlanSource, signer: Callable[[], Signer], serials: Serials, *, clock: Clock,
        draw: Draw,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._signer = signer
        self._serials = serials
        self._clock = clock
        self._draw = draw

    def decide(self, page: Page, audience: Audience) -> Decision:
        """Pick for each placement and sign the lot: a few look-ups and draws per placement."""
        plan = self._plan()
        arm = self.arm(plan, page)
        choices = self.choose(plan, page, audience, arm)
        return Decision(self._sign(page, audience, arm, choices), arm, choices)

    def choose(self, plan: Plan, page: Page, audience: Audience, arm: Arm) -> Shown:
        """Return the choices of each placement, the one to show first.

        Of a preview only what its link names; `BadInput` if that is stale.
        """
        if page.preview is not None:
            return self._previewed(plan, page, page.preview)
        return choose(plan, page, audience, arm, self._draw)

    def arm(self, plan: Plan, page: Page) -> Arm:
        """Return which side of the site's experiment a page view is on; a preview is on none."""
        if page.preview is not None:
            return _NONE
        experiment = page.site.experiment
        arm = arm_of(experiment, page.article.id, plan.hour)
        if arm is not _NONE or not plan.shares or not experiment.guard:
            return arm  # with nothing learned there is nothing to guard against
        return Arm.GUARD if self._draw() < experiment.guard else arm

    def _previewed(self, plan: Plan, page: Page, preview: Parsed) -> Shown:
        """Return the creative that a preview link names, wherever it fits; `BadInput` if stale."""
        token = preview.token
        known = plan.codebook.creatives.get(token.offers[0].creative) if token.offers else None
        if (
            known is None
            or not self._signer().genuine(preview, PREVIEW)
            or self._clock() - token.issued_ms > PREVIEW_MS
            or (token.site, token.article) != (page.site.code, page.article.id)
        ):
            raise BadInput("preview", "make a new link: python -m service preview CREATIVE URL")
        campaign, creative = known
        choice = Choice(campaign, creative, creative.code, PROPENSITY_ONE)
        return tuple(
            (choice,) if placement.id in creative.placements else ()
            for placement in page.placements
        )

    def _sign(
        self, page: Page, audience: Audience, arm: Arm, choices: Sequence[Iterable[Choice]]
    ) -> str:
        issuer, serial = self._serials.take()
        offers = b"".join([
            pack_offer(placement.code, choice.code, choice.propensity)
            for placement, some in zip(page.placements, choices, strict=True)
            for choice in some
        ])  # fmt: skip
        flags = audience.gpc | (page.preview is not None) << 1 | arm << 2
        return self._signer().sign_fields(
            self._clock(), issuer, serial, page.site.code, page.article.id, audience.platform,
            page.source, page.depth, flags, offers,
        )  # fmt: skip
