"""Lets only those who know `--report-auth` see reports; keeps no session and sets no cookie."""

import base64
import binascii
from functools import wraps
from hmac import compare_digest

from aiohttp import hdrs, web

from service.web.keys import SERVICES
from service.web.middleware import Handler, problem

_CHALLENGE = 'Basic realm="Handbill reports", charset="UTF-8"'


def guarded(handler: Handler) -> Handler:
    """Return the handler behind credentials, as soon as the service has any configured."""

    @wraps(handler)
    async def checked(request: web.Request) -> web.StreamResponse:
        credentials = request.app[SERVICES].report_auth
        if credentials is None or allows(request.headers.get(hdrs.AUTHORIZATION, ""), credentials):
            return await handler(request)
        return problem(401, headers={hdrs.WWW_AUTHENTICATE: _CHALLENGE})

    return checked


def allows(authorization: str, credentials: str) -> bool:
    """Say whether an Authorization header proves `user:password`.

    Basic (RFC 7617) sends both; Bearer (RFC 6750), for programs, sends the password alone.
    Compared in constant time, so that answers do not tell how much of a guess was right.
    """
    scheme, _, text = authorization.partition(" ")
    given = text.strip().encode(errors="surrogateescape")  # aiohttp's form of bytes not UTF-8
    if scheme.lower() == "bearer":
        return compare_digest(given, credentials.partition(":")[2].encode())
    if scheme.lower() != "basic":
        return False
    try:
        decoded = base64.b64decode(given, validate=True)
    except binascii.Error:
        return False
    return compare_digest(decoded, credentials.encode())
