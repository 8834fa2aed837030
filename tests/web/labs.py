"""A configuration that uses the whole engine."""

import time
from collections.abc import Callable
from pathlib import Path

from tests.serving import copied_config

LAB = "https://lab.example"
PROXIED = ("--trusted-proxies", "127.0.0.1/32", "--country-header", "X-Country")
LIVE_S = 20.0  # the promise is 2 s; a busy machine may take longer
SITE = """
id: {id}
name: Lab
origins: ["https://{id}.example"]
articles: ["https://{id}.example/*"]
placements: {{top: {{code: 1}}, bottom: {{code: 2}}}}
share: [reddit]
fallback: https://{id}.example/apps
{more}
"""
CAMPAIGN = """
id: {id}
app: vital-signs
tier: {tier}
sites: [{site}]
flights: [{{start: 2026-01-01T00:00:00Z}}]
{more}
creatives:
  - {{id: {id}-1, headline: "{id}", placements: [top]}}
"""
# What a page or a reader says brings the campaign, and nothing else does.
TARGETS = {
    "german": "country: [DE]",
    "sport": "section: [Sport]",
    "cup": "tag: [World Cup]",
    "portuguese": "language: [pt]",
    "shared": "source: [reddit]",
    "deep": "path: [/deep/*]",
    "nowhere": "country: [ZZ], path: [/nowhere/*]",
}


def lab_config(directory: Path) -> Path:
    """Return a configuration of a site for targeting and caps, and one that holds half out."""
    config = copied_config(directory)
    (config / "campaigns" / "vital-signs.yaml").unlink()
    (config / "sites" / "lab.yaml").write_text(SITE.format(id="lab", more=""))
    held = "experiment: {holdout: 0.5}"
    (config / "sites" / "held.yaml").write_text(SITE.format(id="held", more=held))
    for name, target in TARGETS.items():
        put_campaign(config, name, f"target: {{{target}}}")
    put_campaign(config, "house", tier="house")
    put_campaign(config, "ghost", site="held")
    cap = "cap: {max: 3, hours: 24}\ntarget: {path: [/capped/*]}"
    put_campaign(config, "capped", cap, tier="sponsorship")
    for name in ("second", "third", "fourth"):
        put_campaign(config, name, "target: {path: [/capped/*]}")
    return config


def put_campaign(
    config: Path, name: str, more: str = "", *, tier: str = "standard", site: str = "lab"
) -> Path:
    """Write a campaign of one creative and return its file."""
    file = config / "campaigns" / f"{name}.yaml"
    file.write_text(CAMPAIGN.format(id=name, tier=tier, site=site, more=more))
    return file


def until(happens: Callable[[], bool]) -> None:
    """Wait for something that is promised soon."""
    deadline = time.monotonic() + LIVE_S
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
