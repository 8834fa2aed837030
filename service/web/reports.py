"""Reports for programs and for people: JSON, and one page that needs no JavaScript."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from secrets import token_urlsafe
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from service.domain.catalog import Catalog
from service.domain.errors import BadInput, CountsUnavailable, UnknownSite
from service.domain.folding import Row
from service.domain.reporting import HOURS_KEPT_DAYS, PARAMETERS, Query, parse_query
from service.web.auth import guarded
from service.web.keys import SERVICES
from service.web.middleware import RETRY_AFTER_S
from service.web.params import query_params
from service.web.report_view import Choice, Frame, figures_page, problem_page

PAGE_PARAMETERS = ("site", "range", "from", "to", "last", "tz")
RANGES = {"today": "Today", "yesterday": "Yesterday", "7d": "7 days", "28d": "28 days"}
_HOURLY_MAX = 50  # hours in two days, one of them with a clock going back
_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@guarded
async def report_json(request: web.Request) -> web.Response:
    """Answer a report query as `{"from", "to", "tz", "rows"}` (design § 8)."""
    services = request.app[SERVICES]
    given = _parameters(request, PARAMETERS)
    query = parse_query(given, services.catalog(), services.now_ms())
    rows = await services.report.rows(query)
    body = await asyncio.to_thread(_encoded, query, rows)  # up to 50,000 rows
    return web.Response(body=body, content_type="application/json", headers=_FRESH)


@guarded
async def report_page(request: web.Request) -> web.Response:
    """Answer the page for people; what cannot be answered is said on the page itself."""
    services = request.app[SERVICES]
    catalog, now_ms = services.catalog(), services.now_ms()
    frame = Frame(catalog, None, now_ms, "", services.public_url, token_urlsafe(16), ())
    try:
        given = _page_parameters(request, catalog)
        site = given["site"] if given["site"] in catalog.sites else None
        frame = replace(frame, site=site, tz=given.get("tz", ""), ranges=_choices(given))
        query = page_query(given, catalog, now_ms)
        overview = await services.report.overview(query)
    except (BadInput, UnknownSite, CountsUnavailable) as error:
        status, title, detail = _explained(error)
        return _page(problem_page(frame, title, detail), frame, status)
    return _page(await asyncio.to_thread(figures_page, frame, query, overview), frame, 200)


def _explained(error: BadInput | UnknownSite | CountsUnavailable) -> tuple[int, str, str]:
    if isinstance(error, BadInput):
        return 400, "This range cannot be shown", f"{error.field}: {error.message}."
    if isinstance(error, UnknownSite):
        return 404, "There is no such site", "No site of this id is configured. Choose one above."
    return 503, "The counts cannot be read right now", (
        "Redis does not answer. Nothing is lost: what readers do stays in the journal and"
        " appears here once Redis is back. Reload this page in a minute."
    )  # fmt: skip


def page_query(given: Mapping[str, str], catalog: Catalog, now_ms: int) -> Query:
    """Return the query of the page's parameters, by hour up to two days, else by day.

    `from` and `to` are as in the JSON; `last` is the last day included, as people say it.
    """
    wanted = {name: given.get(name, "") for name in ("site", "tz")} | {"by": "day"}
    if given.get("last") and given.get("to"):
        raise BadInput("last", "give last or to, not both")
    if any(given.get(name) for name in ("from", "to", "last")):
        end = _day_after(given["last"]) if given.get("last") else given.get("to", "")
        wanted |= {"from": given.get("from", ""), "to": end}
    else:
        today = parse_query({**wanted, "by": "kind"}, catalog, now_ms).starts.date()
        wanted |= _preset(given.get("range") or "today", today)
    try:
        query = parse_query(wanted, catalog, now_ms)
    except BadInput as error:
        if error.field != "tz" or wanted["tz"]:
            raise
        # The site's own zone cannot be answered this far back; nobody asked for it by name.
        return parse_query(wanted | {"tz": "UTC"}, catalog, now_ms)
    hourly = query.end - query.start <= _HOURLY_MAX
    if hourly and query.start > query.now - (HOURS_KEPT_DAYS - 1) * 24:
        return parse_query({**wanted, "by": "hour"}, catalog, now_ms)
    return query


def _preset(name: str, today: date) -> dict[str, str]:
    if name not in RANGES:
        raise BadInput("range", f"use {', '.join(RANGES)}, or from and last")
    if name == "yesterday":
        return {"from": (today - timedelta(days=1)).isoformat(), "to": today.isoformat()}
    days = {"today": 1, "7d": 7, "28d": 28}[name]
    return {"from": (today - timedelta(days=days - 1)).isoformat()}


def _day_after(text: str) -> str:
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        raise BadInput("last", "give a date such as 2026-11-24") from None


def _choices(given: Mapping[str, str]) -> list[Choice]:
    kept = {name: given[name] for name in ("site", "tz") if name in given}
    custom = any(given.get(name) for name in ("from", "to", "last"))
    shown = None if custom else given.get("range") or "today"
    return [
        Choice(label, f"?{urlencode({**kept, 'range': name})}", name == shown)
        for name, label in RANGES.items()
    ]


def _parameters(request: web.Request, known: tuple[str, ...]) -> dict[str, str]:
    given = query_params(request.rel_url.raw_query_string)
    if not given.keys() <= {*known}:
        raise BadInput("query", f"use only these parameters: {', '.join(known)}")
    return given


def _page_parameters(request: web.Request, catalog: Catalog) -> dict[str, str]:
    # A publisher of one site should not have to choose it.
    only = next(iter(catalog.sites)) if len(catalog.sites) == 1 else ""
    return {"site": only} | _parameters(request, PAGE_PARAMETERS)


def _page(body: str, frame: Frame, status: int) -> web.Response:
    policy = (
        f"default-src 'none'; style-src 'nonce-{frame.nonce}'; img-src data:; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", **_FRESH}
    if status == 503:  # noqa: PLR2004  the one status that promises to pass
        headers["Retry-After"] = RETRY_AFTER_S
    return web.Response(
        text=body, status=status, content_type="text/html", charset="utf-8", headers=headers
    )


def _encoded(query: Query, rows: list[Row]) -> bytes:
    return msgspec.json.encode(
        {
            "from": query.starts.isoformat(),
            "to": query.ends.isoformat(),
            "tz": query.tz,
            "rows": rows,
        }
    )
