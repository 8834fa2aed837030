"""Share links: a network's template filled with the tagged article address; posts nothing."""

from dataclasses import dataclass
from unicodedata import category
from urllib.parse import quote

from service.domain.articles import Article

TITLE_CHARS_MAX = 200
CAMPAIGN = "article-share"
# The browser shares these itself: they have a code and are counted, but no address to go to.
BROWSER_NETWORKS = ("copy", "native")
_JOINERS = "\u200c\u200d"  # invisible, but part of how Persian, Indic scripts and emoji are written


@dataclass(frozen=True, slots=True)
class Network:
    """A share target; `url` has `{url}` and may have `{title}`, None for the browser's own."""

    id: str
    code: int
    name: str
    url: str | None
    checked: str = ""


def clean_title(title: str) -> str:
    """Return a title fit for a link: printable, one line, at most 200 characters."""
    title = title[: 4 * TITLE_CHARS_MAX]
    if not title.isprintable():
        title = "".join(map(_printable, title))
    return " ".join(title.split())[:TITLE_CHARS_MAX].rstrip()


def _printable(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    # Soft hyphens, marks of direction and the like stand inside words; the rest between them.
    return "" if category(character) in {"Cf", "Cs"} else " "


def tagged(article: Article, network: Network, *, depth: int, block: str = "block") -> str:
    """Return the article's address with our tags: how a visit that the share brings is known.

    `depth` is the generation of the share (1: by a reader who came directly), at most 255.
    """
    separator = "&" if "?" in article.url else "?"
    return (
        f"{article.url}{separator}utm_source={network.id}&utm_medium=share"
        f"&utm_campaign={CAMPAIGN}&utm_content={block}&hb={network.code}.{min(depth, 255)}"
    )


def share_link(network: Network, address: str, title: str) -> str:
    """Return the network's share page for an address, encoded once, spaces as %20 (RFC 3986).

    A parameter that would hold nothing but an empty title is left out.
    """
    if network.url is None:
        raise ValueError(f"{network.id} is shared by the browser and has no link")
    template = network.url if title else _without_title(network.url)
    filled = template.replace("{title}", quote(title, safe=""))
    return filled.replace("{url}", quote(address, safe=""))


def _without_title(template: str) -> str:
    head, mark, query = template.partition("?")
    kept = [pair for pair in query.split("&") if not pair.endswith("={title}")]
    # Where the title shares a parameter with the address, the space between them goes too.
    return (head + mark + "&".join(kept)).replace("{title}%20", "").replace("{title}", "")
