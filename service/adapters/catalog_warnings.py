"""What is allowed and probably not meant: stale templates, past flights, plain http, odd names."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_documents import Document
from service.adapters.catalog_models import NetworksFile
from service.adapters.catalog_rests import Rest
from service.adapters.catalog_site_models import LOOPBACK, SiteFile
from service.adapters.catalog_yaml import FieldPath
from service.domain.errors import Problem

_STALE = timedelta(days=365)
_FURTHEST_ZONE = timedelta(hours=14)  # where today's date is first reached

Remark = tuple[FieldPath, str, bool]
"""A path, a sentence, and whether it is only a warning."""


def remarks(document: Document, rest: Rest | None, now: datetime) -> Iterator[Problem]:
    """Yield what depends on today's date or is merely unwise; `now` is an aware time.

    `rest` is what is sound of the document.
    """
    found: list[Remark] = []
    if document.kind != "network" and document.alone and document.id != document.stem:
        message = f"the file is better named {document.id}.yaml, so that people find it"
        found.append((("id",), message, True))
    model = rest.model if rest is not None else None
    if isinstance(model, NetworksFile):
        found += _networks(model, now)
    elif isinstance(model, SiteFile):
        found += _site(model)
    elif rest is not None and isinstance(model, CampaignFile) and "flights" not in rest.guessed:
        found += _campaign(model, now)
    for path, message, warning in found:
        yield document.problem(path, message, warning=warning)


def _networks(file: NetworksFile, now: datetime) -> Iterator[Remark]:
    for name, network in file.networks.items():
        path: FieldPath = ("networks", name, "checked")
        checked: date | None = network.checked
        if checked is None:
            continue
        if checked > (now.astimezone(UTC) + _FURTHEST_ZONE).date():
            yield path, f"{checked} is in the future: write the day it was last seen to work", False
        elif checked < (now - _STALE).date():
            yield path, f"was {checked}, over a year ago: try the address, then update it", True


def _site(file: SiteFile) -> Iterator[Remark]:
    for i, origin in enumerate(file.origins):
        host = re.sub(r":[0-9]+\Z", "", origin.removeprefix("http://"))
        if origin.startswith("http://") and host not in LOOPBACK:
            yield ("origins", i), "is not encrypted: use https:// unless this is a test", True


def _campaign(file: CampaignFile, now: datetime) -> Iterator[Remark]:
    hour = int(now.timestamp()) // 3_600
    for i, flight in enumerate(file.flights):
        if flight.end is not None and flight.end <= hour:
            yield ("flights", i, "end"), "is past: this flight shows nothing more", True
        if flight.goal is not None and flight.end is None:
            message = "has no end to be paced to: give the flight one, or only per_day counts"
            yield ("flights", i, "goal"), message, True
