"""The whole configuration as one value; what people wrote is validated where files are read."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.ads import App, Campaign
from service.domain.sharing import Network
from service.domain.sites import Site


@dataclass(frozen=True, slots=True)
class Catalog:
    """The whole configuration, sound as a whole; `version` is a digest of what was read."""

    sites: Mapping[str, Site]
    networks: Mapping[str, Network]
    apps: Mapping[str, App]
    campaigns: Mapping[str, Campaign]
    version: str

    def sites_of(self, url: str) -> list[Site]:
        """Return the sites that list a canonical article address."""
        return [site for site in self.sites.values() if site.allows(url)]
