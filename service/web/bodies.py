"""Turns bodies of events into deeds, whole, or raises `BadInput` naming the field."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

import msgspec

from service.domain.articles import Article, article_id, canonical_article
from service.domain.errors import BadInput, NotAToken
from service.domain.events import Kind
from service.domain.sharing import clean_title
from service.domain.tokens import Parsed, Token, parse_token
from service.flows.meanings import Deed

EVENTS_MAX = 50

_Text = Annotated[str, msgspec.Meta(max_length=4_096)]
_Kind = Literal["view", "impression", "viewable", "share", "dismiss"]


class EventBody(msgspec.Struct):
    """One event as a browser sends it."""

    kind: _Kind
    placement: _Text | None = None
    creative: _Text | None = None
    network: _Text | None = None
    url: _Text | None = None
    title: _Text = ""


class EventsBody(msgspec.Struct):
    """A batch of events of one page view."""

    token: _Text
    events: Annotated[list[EventBody], msgspec.Meta(min_length=1, max_length=EVENTS_MAX)]


_KINDS: Mapping[str, Kind] = {kind: Kind(kind) for kind in get_args(_Kind)}
_events_decoder = msgspec.json.Decoder(EventsBody)
_MISSING = re.compile(r"Object missing required field `([a-z]+)`")
_PATH = re.compile(r" - at `\$\.?([a-z]*)(?:\[[.0-9]*\])?\.?([a-z]*)`\Z")


def events_body(body: bytes) -> tuple[Parsed, list[Deed]]:
    """Read a body of events; the whole body is refused if any of it is unusable."""
    try:
        # As text, so that all of it must be UTF-8: msgspec skips over what it does not know.
        decoded = _events_decoder.decode(body.decode())
    except msgspec.ValidationError as error:
        raise BadInput(_field_of(error), _HINTS.get(_field_of(error), _HINTS["body"])) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("body", "send one JSON object in UTF-8") from None
    try:
        parsed = parse_token(decoded.token)
    except NotAToken:
        raise BadInput("token", "send the decision's token unchanged") from None
    return parsed, [_deed(event, parsed.token) for event in decoded.events]


_HINTS = {
    "token": "send the decision's token as a string",
    "events": f"send a list of 1 to {EVENTS_MAX} events",
    "kind": "send view, impression, viewable, share or dismiss",
    "placement": "send the placement's id as a string",
    "creative": "send the creative's id as a string",
    "network": "send the network's id as a string",
    "url": "send the article's address as a string",
    "title": "send the article's title as a string of at most 4096 characters",
    "body": 'send {"token": "…", "events": [{"kind": "…"}]}',
}


def _field_of(error: msgspec.ValidationError) -> str:
    missing = _MISSING.match(str(error))  # at its start: further on it may quote a stranger
    if missing is not None:
        return missing[1]
    match = _PATH.search(str(error))
    if match is None:
        return "body"
    return (match[2] or match[1]) if (match[2] or match[1]) in _HINTS else "body"


def _deed(event: EventBody, token: Token) -> Deed:
    kind, network = _KINDS[event.kind], event.network
    if kind is not Kind.VIEW or event.url is None:
        return Deed(kind, event.placement, event.creative, network=network)
    article = _named(event.url, token)
    return Deed(
        kind,
        event.placement,
        event.creative,
        network=network,
        article=article,
        title=clean_title(event.title) if article else "",
    )


def _named(url: str, token: Token) -> Article | None:
    """Return the article at an address, None where it is none; which one it is others judge."""
    if article_id(url) == token.article:  # we hashed it, so it is in canonical form
        return Article(url, token.article)
    try:
        return canonical_article(url)
    except BadInput:
        return None
