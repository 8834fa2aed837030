"""Networks and apps as people write them, with everything a single file can tell is wrong."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from service.adapters.catalog_types import (
    Day,
    Found,
    Identifier,
    OneLine,
    Strict,
    faults,
    https_url,
    repeated_codes,
)
from service.domain.sharing import BROWSER_NETWORKS

NETWORK_CODES = range(1, 16)
_PACKAGE = r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+"


def _template(value: str) -> str:
    if not value.startswith(("https://", "mailto:?")):
        raise ValueError("start it with https:// or mailto:?")
    if value.count("{url}") != 1 or value.count("{title}") > 1:
        raise ValueError("needs {url} exactly once, and {title} at most once")
    filled = value.replace("{url}", "u").replace("{title}", "t")
    if "{" in filled or "}" in filled:
        raise ValueError("has other braces than {url} and {title}: remove them")
    if value.startswith("https:") and "{" in re.split("[/?#]", value[8:], maxsplit=1)[0]:
        raise ValueError("name the network's host: a reader's text must not choose it")
    https_url(filled.replace("mailto:", "https://mail.example/", 1))
    return value


class NetworkModel(Strict):
    """One share target."""

    code: int = Field(ge=NETWORK_CODES[0], le=NETWORK_CODES[-1])
    """number from 1 to 15 that tokens and links carry; never reuse one"""
    name: Annotated[str, OneLine(40)]
    """name that readers see"""
    url: Annotated[str, AfterValidator(_template)] | None = None
    """address with {url} once and {title} at most once; none for copy and native"""
    checked: Day | None = None
    """day on which somebody last saw the address work"""


def _networks(networks: dict[str, NetworkModel]) -> dict[str, NetworkModel]:
    found: list[Found] = repeated_codes(networks)
    for name, network in networks.items():
        if name in BROWSER_NETWORKS and network.url is not None:
            found.append(((name, "url"), "remove it: the browser shares this by itself"))
        if name not in BROWSER_NETWORKS and network.url is None:
            found.append(((name, "url"), "is required: the network's share address with {url}"))
        if name not in BROWSER_NETWORKS and network.checked is None:
            found.append(((name, "checked"), "is required: the day somebody last saw it work"))
    missing = [name for name in BROWSER_NETWORKS if name not in networks]
    free = len(set(NETWORK_CODES) - {network.code for network in networks.values()})
    if free < len(missing):
        names = " and ".join(missing)
        found.append(((), f"leave a code from 1 to 15 free for each of {names}: remove a network"))
    faults("networks", found)
    return networks


class NetworksFile(Strict):
    """Where readers can share articles to."""

    networks: Annotated[dict[Identifier, NetworkModel], AfterValidator(_networks)]
    """share targets, each by its id"""


class IosModel(Strict):
    """The App Store."""

    id: int = Field(gt=0, le=10**12)
    """the app's Apple ID, digits"""
    provider: Annotated[str, Field(pattern=r"^[0-9]{1,10}$")] | None = None
    """provider token (`pt`) of campaign links, 1 to 10 digits in quotes"""


class AndroidModel(Strict):
    """Google Play."""

    package: str = Field(pattern=f"^{_PACKAGE}$", max_length=150)
    """package name, like com.example.app"""


class AppFile(Strict):
    """The thing advertised; at least one store."""

    id: Identifier
    """the app's id, as campaigns name it"""
    name: Annotated[str, OneLine(80)]
    """the app's name"""
    ios: IosModel | None = None
    """App Store record"""
    android: AndroidModel | None = None
    """Google Play record"""
