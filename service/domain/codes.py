"""The codebook: from the numbers a token carries back to what was configured; forgets nothing.

A creative that left the configuration stays known to the process that knew it, so that open
pages' events still count under their names and their clicks still arrive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from service.domain.ads import App, Campaign, Creative
from service.domain.catalog import Catalog
from service.domain.sharing import Network
from service.domain.sites import Site


@dataclass(frozen=True, slots=True)
class Codebook:
    """Sites and creatives by 32-bit code, networks by their code."""

    sites: Mapping[int, Site] = field(default_factory=dict)
    creatives: Mapping[int, tuple[Campaign, Creative]] = field(default_factory=dict)
    apps: Mapping[str, App] = field(default_factory=dict)
    networks: Mapping[int, Network] = field(default_factory=dict)

    def learned(self, catalog: Catalog, campaigns: Iterable[Campaign] | None = None) -> "Codebook":
        """Return this codebook with a catalogue's codes added, newer meanings first.

        `campaigns` are those of it that are not known yet, where somebody knows: else all.
        """
        unknown = catalog.campaigns.values() if campaigns is None else campaigns
        return Codebook(
            {**self.sites, **{site.code: site for site in catalog.sites.values()}},
            {
                **self.creatives,
                **{
                    creative.code: (campaign, creative)
                    for campaign in unknown
                    for creative in campaign.creatives
                },
            },
            {**self.apps, **catalog.apps},
            {**self.networks, **{network.code: network for network in catalog.networks.values()}},
        )

    def network_id(self, code: int) -> str:
        """Return a source's name: `-` for a direct visit, `other` for one not configured."""
        if code == 0:
            return "-"
        network = self.networks.get(code)
        return network.id if network else "other"
