"""What every answer has in common: its time is measured, errors become problem documents.

Wraps each handler where it is registered: an aiohttp middleware would cost a sixth of a decision.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from time import perf_counter

from aiohttp import web
from multidict import CIMultiDict

from service.domain.errors import (
    BadInput,
    CountsUnavailable,
    HandbillError,
    JournalRefused,
    NotAllowed,
    UnknownSite,
)
from service.web.keys import Services

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVER = "handbill"  # without versions, which only help attackers
RETRY_AFTER_S = "5"
ORIGIN = "Origin"
_STATUS: tuple[tuple[type[HandbillError], int], ...] = (
    (BadInput, 400),
    (NotAllowed, 403),
    (UnknownSite, 404),
    (JournalRefused, 503),
    (CountsUnavailable, 503),
)
_DETAIL = {
    400: "The request cannot be read, or has a field that cannot be used.",
    401: "Give the credentials of this listener.",
    403: "This site does not allow that.",
    404: "There is nothing at this address.",
    405: "This address takes another method.",
    408: "The body took too long.",
    413: "The body is too large; send at most 16 KiB, in several requests where it is more.",
    417: "Send no Expect header, or 100-continue.",
    415: "Send JSON as text/plain, uncompressed.",
    500: "Something went wrong here; it has been logged.",
    503: "The service cannot take this now; try again.",
}


def observed(services: Services, listener: str, route: str, handler: Handler) -> Handler:
    """Wrap a handler: measure it under fixed labels and turn errors into problem documents."""
    labels = [(listener, route, f"{n}xx") for n in range(6)]
    observe = services.metrics.requests.observe

    async def answer(request: web.Request) -> web.StreamResponse:
        started = perf_counter()
        try:
            if request.version.major != 1:  # the parser takes 0.9 and a 2.0 that is none
                raise web.HTTPBadRequest
            response = await handler(request)
        except Exception as error:  # noqa: BLE001  what it cannot tell readers it logs
            response = failed(services, route, request.headers, error)
        observe(labels[response.status // 100], perf_counter() - started)
        return response

    return answer


def failed(
    services: Services, route: str, headers: Mapping[str, str], error: Exception
) -> web.Response:
    """Return what a request with these headers is told of an error; log one that is our bug."""
    if isinstance(error, HandbillError | web.HTTPException):
        return _problem_of(services, headers, error)
    services.log.error("request failed", route=route, exc_info=error)
    return problem(500)


def problem(
    status: int, errors: list[dict[str, str]] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """Return an RFC 9457 problem document; it repeats nothing that the caller sent."""
    document: dict[str, object] = {
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _DETAIL.get(status, HTTPStatus(status).phrase),
    }
    if errors:
        document["errors"] = errors
    return web.Response(
        status=status,
        body=json.dumps(document).encode(),
        headers=CIMultiDict(
            {
                "Content-Type": "application/problem+json",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Server": SERVER,
                **(headers or {}),
            }
        ),
    )


def cors(asked: Mapping[str, str], allowed: frozenset[str]) -> dict[str, str]:
    """Return the headers that let a listed origin read the answer; none for any other."""
    origin = asked.get("Origin")
    headers = {"Vary": "Origin"}
    if origin is not None and origin in allowed:
        headers["Access-Control-Allow-Origin"] = origin
    return headers


async def unmatched(request: web.Request) -> web.StreamResponse:
    """Answer what no route takes: 405 where the address exists for other methods, else 404."""
    allowed: set[str] = set()
    for resource in request.app.router.resources():
        if resource.canonical != "/{unmatched}":
            allowed |= (await resource.resolve(request))[1]
    if allowed:
        return problem(405, headers={"Allow": ", ".join(sorted(allowed))})
    return problem(404)


async def unversioned(_: web.Request, response: web.StreamResponse) -> None:
    """Put our name where aiohttp has put its own, with its version and Python's."""
    response.headers["Server"] = SERVER


def _problem_of(
    services: Services, asked: Mapping[str, str], error: HandbillError | web.HTTPException
) -> web.Response:
    headers = cors(asked, services.plan().origins)
    if isinstance(error, NotAllowed) and error.field == ORIGIN:  # perhaps another site's
        headers.pop("Access-Control-Allow-Origin", None)
    if isinstance(error, web.HTTPException):
        extra = {k: v for k, v in error.headers.items() if k in {"Allow", "WWW-Authenticate"}}
        return problem(error.status, headers={**headers, **extra})
    status = next(code for kind, code in _STATUS if isinstance(error, kind))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = RETRY_AFTER_S
    errors = None
    if isinstance(error, BadInput | NotAllowed):
        errors = [{"field": error.field, "message": error.message}]
    elif isinstance(error, UnknownSite):
        errors = [{"field": "site", "message": "no site of this id is configured"}]
    return problem(status, errors, headers)
