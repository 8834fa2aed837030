"""What only all files together can tell is wrong: references, ids and codes across files.

Works on what was written, faulty documents included, so that one fault does not hide another and
a broken site is not reported again by every campaign that names it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from service.adapters.catalog_documents import Document
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
        if app.data and not (app.data.get("ios") or app.data.get("android")):
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


def _shares(sites: Iterable[Document], networks: Iterable[Document]) -> Iterator[Problem]:
    listed: list[Any] = [document.data.get("networks") for document in networks]
    known: set[str] | None = None  # a missing or broken list of networks has its own problem
    if listed and all(isinstance(names, dict) for names in listed):
        known = {name for names in listed for name in names}
    for site in sites:
        for i, name in enumerate(_list(site.data.get("share"))):
            if name in BROWSER_NETWORKS:
                message = f"remove it: the reader's browser offers {name} by itself"
                yield site.problem(("share", i), message)
            elif known is not None and isinstance(name, str) and name not in known:
                yield site.problem(("share", i), _unknown("network", name, known))


@dataclass(frozen=True, slots=True)
class Named:
    """What campaigns refer to by name: apps, and sites with their placements (None: unknown)."""

    apps: Set[str] | None
    sites: Mapping[str, Set[str] | None] | None

    @classmethod
    def of(cls, sites: Iterable[Document], apps: Iterable[Document], unlisted: Set[str]) -> "Named":
        """Return the names that documents give; of `unlisted` kinds there may be others."""
        return cls(
            None if "app" in unlisted else {app.id for app in apps},
            None if "site" in unlisted else {site.id: _placements(site) for site in sites},
        )


def references(campaign: Document, named: Named) -> Iterator[Problem]:
    """Yield every name in a campaign that is nowhere."""
    app = campaign.data.get("app")
    if named.apps is not None and isinstance(app, str) and app not in named.apps:
        yield campaign.problem(("app",), _unknown("app", app, named.apps))
    if named.sites is None:
        return
    for i, site in enumerate(_list(campaign.data.get("sites"))):
        if isinstance(site, str) and site not in named.sites:
            yield campaign.problem(("sites", i), _unknown("site", site, named.sites))
    yield from _targeted(campaign, named.sites)
    yield from _unreachable(campaign, named.sites)


def _targeted(campaign: Document, sites: Mapping[str, Set[str] | None]) -> Iterator[Problem]:
    """Yield sites and placements of targeting that are nowhere: excluded, they exclude nobody."""
    known: dict[str, Iterable[str]] = {"site": sites}
    if all(placements is not None for placements in sites.values()):
        known["placement"] = {name for some in sites.values() for name in some or ()}
    for side in ("target", "exclude"):
        written: Any = campaign.data.get(side)
        targeting = written if isinstance(written, dict) else {}
        for kind, names in known.items():
            for i, name in enumerate(_list(targeting.get(kind))):
                if isinstance(name, str) and name not in names:
                    yield campaign.problem((side, kind, i), _unknown(kind, name, names))


def _placements(site: Document) -> set[str] | None:
    """Return the site's placements, None where they cannot be told."""
    listed = site.data.get("placements")
    return set(listed) if isinstance(listed, dict) else None


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
