"""Events whose request is usual and whole, recorded without aiohttp's request, task and routes.

Those cost more than recording does. What is unusual about a request is left to them; what is
done with its events is `web/events`' alone.
"""

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import TypeGuard

from aiohttp import HttpVersion11, StreamReader, hdrs
from aiohttp.http_parser import RawRequestMessage

from service.web.events import acknowledgement, deeds_of, refuse_other_types, whole_body
from service.web.keys import Services
from service.web.middleware import failed
from service.web.quick import QuickAnswer, quick

PATH = "/v1/events"
BEGINNING = f"{hdrs.METH_POST} {PATH} ".encode()
_ROUTE = "events"

Send = Callable[[QuickAnswer], None]


class Beacons:
    """Takes requests up and hands over their answers; knows no connection."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._observe = services.metrics.requests.observe
        self._labels = [("public", _ROUTE, f"{n}xx") for n in range(6)]

    def usual(self, message: object, payload: StreamReader) -> TypeGuard[RawRequestMessage]:
        """Say whether a request is as browsers send it, with all of its body here."""
        return (
            isinstance(message, RawRequestMessage)  # else it is aiohttp's word for a bad one
            and message.method == hdrs.METH_POST
            and message.path == PATH
            and message.version == HttpVersion11
            and not message.upgrade
            and hdrs.EXPECT not in message.headers
            and payload.is_eof()
        )

    def record(self, message: RawRequestMessage, payload: StreamReader, send: Send) -> None:
        """Record a request's events and send the answer: 204 once they are on disk, or why not."""
        started, headers = perf_counter(), message.headers
        try:
            refuse_other_types(headers)
            deeds = deeds_of(self._services, headers, whole_body(payload))
            told = partial(self._answer, headers, started, send)
            self._services.recorder.note(*deeds, told)
        except Exception as error:  # noqa: BLE001  told or logged
            self._answer(headers, started, send, error)

    def _answer(
        self, headers: Mapping[str, str], started: float, send: Send, error: Exception | None
    ) -> None:
        if error is None:
            answer = acknowledgement(self._services, headers)
        else:
            answer = quick(failed(self._services, _ROUTE, headers, error))
        self._observe(self._labels[answer.status // 100], perf_counter() - started)
        send(answer)
