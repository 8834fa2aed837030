"""The browser's script, compressed once and answered from memory; builds and decides nothing.

`/embed.js` is what publishers paste: kept for minutes, so that a release reaches every page soon.
`/embed.<hash>.js` is the same bytes under a name that never means others, kept for a year.
"""

import gzip
import re
from hashlib import sha256
from pathlib import Path

from aiohttp import hdrs, web
from multidict import CIMultiDict

from service.web.middleware import SERVER

_SCRIPT = (Path(__file__).parent / "static" / "embed.js").read_bytes()
_COMPRESSED = gzip.compress(_SCRIPT, mtime=0)
HASH = sha256(_SCRIPT).hexdigest()[:16]
_ETAG = f'W/"{HASH}"'  # weak: the same for both encodings, which are not the same bytes
_NO_GZIP = re.compile(r"gzip\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z)", re.IGNORECASE)
_COMMON = {
    "Access-Control-Allow-Origin": "*",  # for pages that pin it by an integrity hash
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "Server": SERVER,
}
_ALIAS = CIMultiDict({**_COMMON, "Cache-Control": "public, max-age=300", "ETag": _ETAG})
_HASHED = CIMultiDict({**_COMMON, "Cache-Control": "public, max-age=31536000, immutable"})


async def embed_alias(request: web.Request) -> web.Response:
    """Answer the script, or that the copy the browser has is still it."""
    if any(tag.value in {HASH, "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=_ALIAS.copy())
    return _script(request, _ALIAS)


async def embed_hashed(request: web.Request) -> web.Response:
    """Answer the script under its own hash, and nothing under any other."""
    if request.match_info["hash"] != HASH:
        raise web.HTTPNotFound
    return _script(request, _HASHED)


def _script(request: web.Request, common: CIMultiDict[str]) -> web.Response:
    headers = common.copy()
    headers[hdrs.CONTENT_TYPE] = "text/javascript; charset=utf-8"
    accepted = request.headers.get(hdrs.ACCEPT_ENCODING, "")
    if "gzip" in accepted.lower() and not _NO_GZIP.search(accepted):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=_COMPRESSED, headers=headers)
    return web.Response(body=_SCRIPT, headers=headers)
