"""`explain URL`: asks a running service why each campaign may or may not show."""

import argparse
import base64
import json
import os
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote

from service.cli.words import say
from service.settings.reading import read_settings
from service.settings.values import Settings

TIMEOUT_S = 10
_OK, _UNAUTHORIZED = 200, 401
_FLAGS = ("site", "placements", "country", "ua", "lang", "section", "tags", "from", "touch")


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print each campaign's standing and what the decision would be."""
    parser = argparse.ArgumentParser(prog="handbill explain")
    parser.add_argument("url", help="the article's address")
    for flag in _FLAGS:
        parser.add_argument(f"--{flag}", help="as a decision takes it")
    parser.add_argument("--internal", help="where the service's internal listener is")
    parser.add_argument("--json", action="store_true", help="print the answer as it comes")
    given = vars(parser.parse_args(arguments))
    flags = [f"--internal={given['internal']}"] if given["internal"] else []
    params = {"url": given["url"], **{name: given[name] for name in _FLAGS if given[name]}}
    status, text = _ask(read_settings(flags, environ), params)
    if not status:
        say(text, error=True)
        return os.EX_UNAVAILABLE
    answer = _document(text)
    if status != _OK or "campaigns" not in answer:
        say(_sentence(status, answer), error=True)
        return os.EX_DATAERR
    if given["json"]:
        say(text)
    else:
        _show(answer)
    return os.EX_OK


def _ask(settings: Settings, params: Mapping[str, str]) -> tuple[int, str]:
    address = settings.internal
    host = "127.0.0.1" if address.wildcard else address.host
    query = "&".join(f"{name}={quote(os.fsencode(text), safe='')}" for name, text in params.items())
    headers = {}
    if settings.report_auth:
        secret = base64.b64encode(settings.report_auth.encode()).decode()
        headers["Authorization"] = f"Basic {secret}"
    connection = HTTPConnection(host, address.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/v1/explain?{query}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except (OSError, HTTPException) as error:
        return 0, f"nothing answers at {host}:{address.port}: {error}"
    finally:
        connection.close()


def _document(text: str) -> Mapping[str, Any]:
    """Return an answer's JSON; nothing where it is none of ours."""
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _sentence(status: int, answer: Mapping[str, Any]) -> str:
    """Return in words why nothing was explained; a field is called as its flag is."""
    if status == _UNAUTHORIZED:
        return "the service asks for credentials: set HANDBILL_REPORT_AUTH to its user:password"
    lines = [f"{_named(one['field'])}: {one['message']}" for one in answer.get("errors", ())]
    other = f"nothing is explained there (status {status}): give the internal listener: --internal"
    return "\n".join(lines) or other


def _named(field: str) -> str:
    return f"--{field}" if field in _FLAGS else field


def _show(answer: Mapping[str, Any]) -> None:
    say(f"arm {answer['arm']}; {answer['platform']}, {answer['country']}")
    for one in answer["campaigns"]:
        standing = f"no   {one['reason']}" if one["reason"] else f"yes  pace {one['pace']:.3g}"
        if one["behind"]:
            standing += f", behind {', '.join(one['behind'])}"
        say(f"{one['campaign']:40} {one['tier']:12} weight {one['weight']:<6g} {standing}")
        for place in one["creatives"]:
            likely = f"share {place['share']:<4.0%} rate {place['rate']:.2%}"
            say(f"    {place['placement']:12} {place['creative']:40} {likely}")
    held = answer.get("held", {})
    for placement, creative in answer["decision"].items():
        ghost = f", held out: {held[placement]}" if placement in held else ""
        say(f"{placement}: {creative or 'nothing'}{ghost}")
