"""How codes are made readable again: the fields and texts of the names hash, both ways."""

import json
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import NamedTuple

from service.domain.articles import Article


class ArticleName(NamedTuple):
    """An article's address and title, as the first page view that named it said."""

    url: str
    title: str


def article_field(article_id: str) -> str:
    """Return the field of an article, given its id as 16 hex digits."""
    return f"a:{article_id}"


def article_name(article: Article, title: str) -> tuple[str, str]:
    """Return field and text, a JSON array, that name an article."""
    return article_field(article.id.hex()), f"[{quoted(article.url)}, {quoted(title)}]"


def read_article_name(text: str) -> ArticleName:
    """Return the address and title of an article's text."""
    url, title = json.loads(text)
    return ArticleName(url, title)


@lru_cache(maxsize=4_096)
def creative_name(code: int, campaign: str, creative: str) -> tuple[str, str]:
    """Return field and text that name a creative's code."""
    return f"c:{code:08x}", f"{campaign}|{creative}"
