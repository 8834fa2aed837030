"""Turns query strings into domain values, or raises `BadInput` naming the field."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from service.domain.articles import Article, canonical_article
from service.domain.catalog import Catalog
from service.domain.errors import BadInput, NotAllowed, NotAToken, UnknownSite
from service.domain.sites import Placement, Site
from service.domain.tokens import PLACEMENTS_MAX, Parsed, parse_token
from service.flows.pages import Page

PARAMETERS_MAX = 32
_ORIGIN_MAX_DEPTH = 255
_FROM = re.compile(r"(\d{1,2})\.(\d{1,3})\Z", re.ASCII)
WORD_CHARS_MAX, TAGS_MAX = 60, 20
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,8}\Z")  # pages write en_GB too
_ID = re.compile(r"[a-z0-9-]{1,40}\Z")


def query_params(raw: str) -> dict[str, str]:
    """Decode a raw query string strictly: UTF-8, no name twice, at most 32 parameters."""
    pairs = [pair for pair in raw.split("&") if pair]
    if len(pairs) > PARAMETERS_MAX:
        raise BadInput("query", f"send at most {PARAMETERS_MAX} parameters")
    params: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        name = _decoded(name, "query")
        if name in params:
            raise BadInput(_shown(name), "send this parameter once")
        params[name] = _decoded(value, _shown(name))
    return params


def _shown(name: str) -> str:
    # A field is named back only if it is a plain word: answers never echo a stranger's text.
    return name if name in _KNOWN else "query"


_KNOWN = frozenset(
    [
        *("site", "url", "title", "placements", "lang", "section", "tags", "from", "touch"),
        *("preview", "u", "t", "via", "format", "to", "tz", "by", "country", "ua"),
    ]
)


def _decoded(text: str, field: str) -> str:
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise BadInput(field, "encode the value as UTF-8") from None


def known_site(params: Mapping[str, str], catalog: Catalog) -> Site:
    """Return the site that `site` names; raise `UnknownSite` where there is none."""
    identifier = params.get("site", "")
    if not _ID.match(identifier):
        raise BadInput("site", "give the site's id: 1 to 40 of a-z, 0-9 and -")
    site = catalog.sites.get(identifier)
    if site is None:
        raise UnknownSite
    return site


def allowed_article(address: str, site: Site, field: str = "url") -> Article:
    """Return the canonical article of an address that the site lists, else raise."""
    article = canonical_article(address, field)
    if not site.allows(article.url):
        raise NotAllowed(field, "this address is not among the site's articles")
    return article


def decision_page(params: Mapping[str, str], catalog: Catalog) -> Page:
    """Read a decision's parameters (design § 8)."""
    site = known_site(params, catalog)
    article = allowed_article(params.get("url", ""), site)
    source, depth = _came_from(params.get("from", ""))
    _flag(params, "touch")
    return Page(
        site,
        article,
        _placements(params, site),
        source,
        depth,
        _language(params.get("lang", "")),
        _word(params.get("section", ""), "section"),
        _tags(params.get("tags", "")),
        _preview(params.get("preview")),
    )


def touch(params: Mapping[str, str]) -> bool:
    """Return whether the browser reported touch points."""
    return params.get("touch") == "1"


def _flag(params: Mapping[str, str], field: str) -> None:
    if params.get(field, "0") not in {"0", "1"}:
        raise BadInput(field, "give 0 or 1")


def _placements(params: Mapping[str, str], site: Site) -> tuple[Placement, ...]:
    wanted = params.get("placements")
    if wanted is None:
        usual = tuple(p for p in site.placements if p.id in {"top", "bottom"})
        return usual or site.placements[:2]
    names = wanted.split(",") if wanted else []
    known = {placement.id: placement for placement in site.placements}
    if len(names) > PLACEMENTS_MAX or len(set(names)) < len(names):
        raise BadInput("placements", f"name at most {PLACEMENTS_MAX} different placements")
    if not set(names) <= known.keys():
        raise BadInput("placements", "name placements of this site, separated by commas")
    return tuple(known[name] for name in names)


def _came_from(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    match = _FROM.match(text)
    if not match or int(match[1]) > 15 or int(match[2]) > _ORIGIN_MAX_DEPTH:  # noqa: PLR2004  the design's code range
        raise BadInput("from", "give <network code>.<depth>, such as 2.1, or leave it out")
    return int(match[1]), int(match[2])


def _language(text: str) -> str:
    if text and not _LANGUAGE.match(text):
        raise BadInput("lang", "give a language tag, such as en or pt-BR, or leave it out")
    return text.lower().replace("_", "-")


def _word(text: str, field: str) -> str:
    word = " ".join(text.split())
    if len(word) > WORD_CHARS_MAX:
        raise BadInput(field, f"send at most {WORD_CHARS_MAX} characters")
    return word.casefold()


def _tags(text: str) -> tuple[str, ...]:
    tags = [tag for part in text.split(",") if (tag := _word(part, "tags"))]
    if len(tags) > TAGS_MAX:
        raise BadInput("tags", f"send at most {TAGS_MAX} tags, separated by commas")
    return tuple(dict.fromkeys(tags))


def _preview(text: str | None) -> Parsed | None:
    if text is None:
        return None
    try:
        return parse_token(text)
    except NotAToken:
        raise BadInput("preview", "use the link that `preview` printed unchanged") from None
