"""Canonical article addresses and which of them a site allows; fetches nothing, ever."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote, urlsplit

import idna

from service.domain.errors import BadInput

URL_CHARS_MAX = 2048
PORT_MAX = 65_535
_HOST_CHARS_MAX = 253
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]|%(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE
)
_PORT = re.compile(r"0*([1-9][0-9]{0,4})\Z")
_NUMERIC_LABEL = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
_PORTS = {"http": 80, "https": 443}
# What a browser leaves unescaped in a path or query; everything else is escaped once, here.
_SAFE = "!#$%&'()*+,/:;=?@[]~-._"
# Campaign tags and click ids describe how a reader came, not which article it is.
_CLICK_IDS = frozenset(
    [
        *("gclid", "gbraid", "wbraid", "dclid", "gclsrc", "fbclid", "msclkid", "twclid", "ttclid"),
        *("li_fat_id", "igshid", "igsh", "yclid", "mc_cid", "mc_eid", "epik", "rdt_cid"),
    ]
)


@dataclass(frozen=True, slots=True)
class Article:
    """A canonical address and its id: the first 8 bytes of the address's BLAKE2b."""

    url: str
    id: bytes


@dataclass(frozen=True, slots=True)
class ArticlePattern:
    """An allowed family of addresses: exact scheme, host (or any subdomain), path glob with `*`.

    Host and path are compared apart, so that no `*` of a path can reach into a host.
    """

    scheme: str
    host: str
    subdomains: bool
    path: str

    def matches(self, url: str) -> bool:
        """Say whether a canonical address belongs to the family."""
        scheme, _, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        if scheme != self.scheme or not self._host_matches(host):
            return False
        return glob_matches(self.path, slash + path)

    def _host_matches(self, host: str) -> bool:
        return host.endswith("." + self.host) if self.subdomains else host == self.host


def canonical_article(url: str, field: str = "url") -> Article:
    """Return the article of an absolute http(s) address, or raise `BadInput` naming `field`.

    Lower-case scheme and A-label host, no default port, user info, fragment, campaign tags or
    click ids; all other parameters, their order, the path's case and slash stay (RFC 3986).
    """
    if not url or len(url) > URL_CHARS_MAX:
        raise BadInput(field, f"give an absolute address of 1 to {URL_CHARS_MAX} characters")
    if _FORBIDDEN.search(url):
        raise BadInput(field, "remove spaces, backslashes and control characters")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in _PORTS or not separator:
        raise BadInput(field, "start the address with https:// or http://")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
    except ValueError:
        raise BadInput(field, "give a host name this address can be split by") from None
    if "@" in parts.netloc:
        raise BadInput(field, "remove the user name or password")
    path = quote(parts.path or "/", safe=_SAFE)
    query = _without_tags(quote(parts.query, safe=_SAFE))
    canonical = f"{scheme}://{canonical_host(parts.netloc, scheme, field)}{path}{query}"
    if len(canonical) > URL_CHARS_MAX:
        raise BadInput(
            field, f"shorten the address to {URL_CHARS_MAX} characters, escapes included"
        )
    return Article(canonical, article_id(canonical))


def article_id(canonical_url: str) -> bytes:
    """Return the 8-byte id of a canonical address."""
    return blake2b(canonical_url.encode()).digest()[:8]


def canonical_host(netloc: str, scheme: str, field: str) -> str:
    """Return the A-label host with any non-default port, or raise `BadInput`."""
    host, colon, port = netloc.partition(":")
    host = _a_label_host(host, field)
    if not colon:
        return host
    match = _PORT.match(port)
    if not match or int(match[1]) > PORT_MAX:
        raise BadInput(field, "give a port from 1 to 65535, or none")
    return host if int(match[1]) == _PORTS[scheme] else f"{host}:{match[1]}"


def _a_label_host(host: str, field: str) -> str:
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            raise BadInput(field, "give a host name that IDNA 2008 allows") from None
    host = host.lower()
    labels = host.split(".")
    if len(host) > _HOST_CHARS_MAX or not all(_LABEL.match(label) for label in labels):
        raise BadInput(field, "give a host name of letters, digits, hyphens and dots")
    if _NUMERIC_LABEL.match(labels[-1]):
        raise BadInput(field, "give a host name, not an IP address")
    return host


def _without_tags(query: str) -> str:
    kept = [pair for pair in query.split("&") if pair and not _is_tag(pair.partition("=")[0])]
    return "?" + "&".join(kept) if kept else ""


def _is_tag(name: str) -> bool:
    name = name.lower()
    return name.startswith("utm_") or name == "hb" or name in _CLICK_IDS


def glob_matches(pattern: str, text: str) -> bool:
    """Match a glob whose only wildcard is `*` (any run), in time linear in the text per part."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def glob_covers(wide: str, narrow: str) -> bool:
    """Say whether a glob matches everything that another one does."""
    return glob_matches(wide, narrow.replace("*", "\0"))  # which only a `*` of the wide one matches


def globs_meet(one: str, other: str) -> bool:
    """Say whether some text matches both globs."""
    if "*" not in one:
        return glob_matches(other, one)
    if "*" not in other:
        return glob_matches(one, other)
    # What one has between its stars, a star of the other takes: beginnings and ends must agree.
    (begin, *_, end), (start, *_, stop) = one.split("*"), other.split("*")
    agree = begin.startswith(start) or start.startswith(begin)
    return agree and (end.endswith(stop) or stop.endswith(end))
