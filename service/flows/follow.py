"""Where a click or a share goes: a reader never pays for our doubt, and never leaves our lists.

Every address comes from the catalogue, or is an article that a configured site allows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.domain.ads import App
from service.domain.articles import Article
from service.domain.audience import Agent, Platform
from service.domain.errors import BadInput, UnknownSite
from service.domain.sharing import share_link, tagged
from service.domain.sites import Site
from service.domain.stores import Origin, store_link
from service.domain.tokens import CONVERSION, Offer, Parsed, Signer, Token
from service.flows.plan import PlanSource


@dataclass(frozen=True, slots=True)
class Follower:
    """Resolves clicks, shares and short links to addresses."""

    plan: PlanSource
    signer: Callable[[], Signer]
    public_url: str

    def click(
        self, parsed: Parsed | None, placement: str, rank: int, agent: Agent, origin: str | None
    ) -> str:
        """Return the store address for a clicked offer, else the site's fallback.

        Raises `UnknownSite` when nothing tells which site the reader came from.
        """
        codebook = self.plan().codebook
        if parsed is None:
            return self._fallback(origin)
        site = codebook.sites.get(parsed.token.site)
        offer = _offer(site, parsed.token, placement, rank)
        known = codebook.creatives.get(offer.creative) if offer else None
        if site is None or offer is None or known is None:
            return site.fallback if site else self._fallback(origin)
        campaign, creative = known
        click_id = self._click_id(parsed, offer)
        whence = Origin(site.id, campaign.id, creative.id, placement, click_id)
        landing = f"{self.public_url}/a/{campaign.app}"
        if click_id:
            landing += f"?via={click_id}"
        platform = _platform(parsed.token.platform, agent)
        return store_link(codebook.apps[campaign.app], platform, whence, landing)

    def share(self, parsed: Parsed | None, network_id: str, article: Article, title: str) -> str:
        """Return the network's share page for an article that a site allows.

        Raises `BadInput` for an address that none does; a network that is not configured leads
        to the article itself.
        """
        if not self._may_share(parsed, article):
            raise BadInput("u", "give the address of an article that the site allows")
        network = self.plan().catalog.networks.get(network_id)
        if network is None or network.url is None:
            return article.url
        genuine = parsed is not None and self.signer().genuine(parsed)
        depth = parsed.token.depth + 1 if parsed is not None and genuine else 1
        return share_link(network, tagged(article, network, depth=depth), title)

    def short_link(self, app: App, via: Parsed | None, label: str) -> Origin:
        """Return where a short link's visit comes from: a genuine click on it, else its label."""
        codebook = self.plan().codebook
        if via is not None and via.token.offers and self.signer().genuine(via, CONVERSION):
            token, offer = via.token, via.token.offers[0]
            site, known = codebook.sites.get(token.site), codebook.creatives.get(offer.creative)
            if site is not None and known is not None and known[0].app == app.id:
                placement = next((p.id for p in site.placements if p.code == offer.placement), "-")
                return Origin(site.id, known[0].id, known[1].id, placement, self._click_id(via))
        return Origin(label, "short-link", app.id, label)

    def _click_id(self, parsed: Parsed, offer: Offer | None = None) -> str:
        """Return what an install can be credited by; only what we signed is signed again."""
        if offer is None:
            return self.signer().sign(parsed.token, CONVERSION)
        if not self.signer().genuine(parsed):
            return ""
        return self.signer().sign(parsed.token.narrowed(offer), CONVERSION)

    def _may_share(self, parsed: Parsed | None, article: Article) -> bool:
        plan = self.plan()
        site = plan.codebook.sites.get(parsed.token.site) if parsed else None
        sites = plan.catalog.sites.values() if site is None else (site,)
        return any(candidate.allows(article.url) for candidate in sites)

    def _fallback(self, origin: str | None) -> str:
        sites = list(self.plan().catalog.sites.values())
        whence = [site for site in sites if origin in site.origins] or sites
        if len(whence) != 1:
            raise UnknownSite
        return whence[0].fallback


def _offer(site: Site | None, token: Token, placement: str, rank: int) -> Offer | None:
    code = next((p.code for p in site.placements if p.id == placement), None) if site else None
    if code is None:
        return None
    entries = list(token.entries(code))
    return entries[rank] if rank < len(entries) else None


def _platform(decided: Platform, agent: Agent) -> Platform:
    if agent.platform is Platform.UNKNOWN or not agent.contradicts(decided):
        return agent.platform if decided is Platform.UNKNOWN else decided
    return agent.platform
