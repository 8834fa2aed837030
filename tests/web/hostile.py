"""What must hold of every answer, whatever was sent: no 5xx, no echo, no way out of our lists."""

import json
from urllib.parse import quote, urlsplit

from tests.web.wire import Answer

# In every hostile input, so that an echo of any shape shows.
CANARY = "canary"
HOSTS = frozenset(
    [
        *("ads.example", "news.example", "coast.example", "apps.apple.com", "play.google.com"),
        *("www.facebook.com", "x.com", "www.reddit.com", "www.linkedin.com", "t.me"),
    ]
)


def harmless(answer: Answer) -> Answer:
    """Return the answer, which must be none that design § 12 says must never be."""
    assert answer.status < 500, answer
    said = json.dumps(dict(answer.headers)).lower() + answer.body.decode(errors="replace").lower()
    for word in (CANARY, "traceback", "aiohttp", "python", "/service/"):
        assert word not in said, answer
    assert answer.headers["server"] == "handbill"
    assert "set-cookie" not in answer.headers
    if answer.status >= 400:
        answer.problem()
    if "location" in answer.headers:
        assert leads_home(answer.location), answer
    return answer


def leads_home(location: str) -> bool:
    """Say whether a browser that goes there stays within what the catalogue names."""
    parts = urlsplit(location)
    plain = location.isascii() and location.isprintable() and not set(location) & set(' \\"<>^`{|}')
    return plain and parts.scheme == "https" and parts.netloc in HOSTS


def encoded(text: str) -> str:
    """Return a parameter's value percent-encoded; surrogates stand for bytes not UTF-8."""
    return quote(text.encode("utf-8", "surrogateescape"), safe="")
