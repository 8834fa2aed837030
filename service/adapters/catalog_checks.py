"""What only all files together can tell is wrong: references, ids and codes across files.

Works on what was written, faulty documents included, so that one fault does not hide another and
a broken site is not reported again by every campaign that names it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from service.adapters.catalog_documents import Document
from service.adapters.catalog_types import ID
from service.adapters.catalog_yaml import FieldPath
from service.domain.ads import code_of
from service.domain.errors import Problem
from service.domain.sharing import BROWSER_NETWORKS
from service.flows.unhurried import unhurried

_SHOWN = 10  # names in a message


def cross_check(documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield every problem between documents, and what a document's whole shape shows."""
    by_kind: dict[str, list[Document]] = defaultdict(list)
    for document in unhurried(documents):
        by_kind[document.kind].append(document)
    for kind in ("site", "app", "campaign"):
        yield from _repeated(_ids(by_kind[kind]), kind)
    creatives = list(creative_ids(by_kind["campaign"]))
    yield from _repeated(creatives, "creative")
    yield from _collisions(_ids(by_kind["site"]), "site")
    yield from _collisions(creatives, "creative")
    yield from _shares(by_kind["site"], by_kind["network"])
    for app in by_kind["app"]:
        stores = app.data.keys() - {"id", "name"}  # or what may have been meant for one
        if app.data and not any(app.data[name] for name in stores):
            yield app.problem(("ios",), "give at least one store: ios, android, or both")


Place = tuple[Document, FieldPath, str]


def _ids(documents: Iterable[Document]) -> list[Place]:
    return [(document, ("id",), document.id) for document in documents]


def creative_ids(campaigns: Iterable[Document]) -> Iterator[Place]:
    """Yield every creative's id that campaigns give, with its place."""
    for campaign in unhurried(campaigns):
        for i, creative in enumerate(_list(campaign.data.get("creatives"))):
            if isinstance(creative, dict) and isinstance(creative.get("id"), str):
                yield campaign, ("creatives", i, "id"), creative["id"]


def _repeated(places: Iterable[Place], kind: str) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for document, path, identifier in unhurried(places):
        other, at, _ = first.setdefault(identifier, (document, path, identifier))
        if (other, at) != (document, path):
            where = f"{other.file}:{other.marks.line_of(at)}"
            message = f"the {kind} `{identifier}` is in {where} already: choose another id"
            yield document.problem(path, message)


def _collisions(places: Iterable[Place], kind: str) -> Iterator[Problem]:
    owner: dict[int, str] = {}
    for document, path, identifier in unhurried(places):
        first = owner.setdefault(code_of(identifier), identifier)
        if first != identifier:
            message = f"has the same 32-bit code as {kind} `{first}` by chance: choose another id"
            yield document.problem(path, message)


def network_names(networks: Iterable[Document]) -> Set[str] | None:
    """Return the names of networks; None where they cannot be told, which is told by itself.

    A name that is written wrongly is there as it will be once it is mended, too.
    """
    listed: list[Any] = [document.data.get("networks") for document in networks]
    if not listed or not all(isinstance(names, dict) for names in listed):
        return None
    written = {name for names in listed for name in names}
    return written | {re.sub("[^a-z0-9-]+", "-", name.casefold()) for name in written}


def names_in(listed: Any) -> Set[str] | None:
    """Return the ids that a mapping as written gives, None where mending it may give others."""
    if not isinstance(listed, dict) or not all(ID.fullmatch(name) for name in listed):
        return None
    return listed.keys()


def _shares(sites: Iterable[Document], networks: Iterable[Document]) -> Iterator[Problem]:
    known = network_names(networks)
    for site in sites:
        for i, name in enumerate(_list(site.data.get("share"))):
            if name in BROWSER_NETWORKS:
                message = f"remove it: the reader's browser offers {name} by itself"
                yield site.problem(("share", i), message)
            elif known is not None and isinstance(name, str) and name not in known:
                yield site.problem(("share", i), _unknown("network", name, known))


@dataclass(frozen=True, slots=True)
class Named:
    """What campaigns refer to by name: apps, and sites with their placements (None: unknown).

    Of the kinds in `nameless` (`app`, `site`) there may be one of any name besides; `every` says
    that there are no more sites.
    """

    apps: Set[str]
    sites: Mapping[str, Set[str] | None]
    nameless: Set[str] = frozenset()
    every: bool = True


def references(campaign: Document, named: Named) -> Iterator[Problem]:
    """Yield every name in a campaign that is nowhere."""
    app = campaign.data.get("app")
    if isinstance(app, str) and app not in named.apps and "app" not in named.nameless:
        yield campaign.problem(("app",), _unknown("app", app, named.apps))
    for i, site in enumerate(_list(campaign.data.get("sites"))):
        if isinstance(site, str) and site not in named.sites and "site" not in named.nameless:
            yield campaign.problem(("sites", i), _unknown("site", site, named.sites))
    yield from _targeted(campaign, named)
    if named.every or campaign.data.get("sites") is not None:
        yield from _unreachable(campaign, named.sites)


def _targeted(campaign: Document, named: Named) -> Iterator[Problem]:
    """Yield sites and placements of targeting that are nowhere: excluded, they exclude nobody."""
    known: dict[str, Iterable[str]] = {} if "site" in named.nameless else {"site": named.sites}
    if named.every and None not in named.sites.values():
        known["placement"] = {name for some in named.sites.values() for name in some or ()}
    for side in ("target", "exclude"):
        written: Any = campaign.data.get(side)
        targeting = written if isinstance(written, dict) else {}
        for kind, names in known.items():
            for i, name in enumerate(_list(targeting.get(kind))):
                if isinstance(name, str) and name not in names:
                    yield campaign.problem((side, kind, i), _unknown(kind, name, names))


def _unreachable(campaign: Document, sites: Mapping[str, Set[str] | None]) -> Iterator[Problem]:
    chosen = campaign.data.get("sites")
    names = _list(chosen) if chosen is not None else list(sites)
    known: set[str] = set()
    for name in names:
        here = sites.get(name) if isinstance(name, str) else None
        if here is None:  # an unknown or broken site has its own problem
            return
        known |= here
    if not names:
        return
    for i, creative in enumerate(_list(campaign.data.get("creatives"))):
        listed = _list(creative.get("placements")) if isinstance(creative, dict) else []
        for k, name in enumerate(listed):
            if isinstance(name, str) and name not in known:
                message = (
                    f"unreachable on this campaign's sites: {_unknown('placement', name, known)}"
                )
                yield campaign.problem(("creatives", i, "placements", k), message)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"there is no {kind} `{name[:60]}`; did you mean `{close[0]}`?"
    listed = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    return f"there is no {kind} `{name[:60]}`; there are: {listed or 'none'}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
