"""Ends or hangs the process at a chosen point of its work, so that tests can prove what survives.

`HANDBILL_FAULT=after-commit:3` ends it at the third commit that is done, as a power cut would;
`before-commit:1:hang` holds the first one for ever, as a disk can.
"""

import os
import re
from collections.abc import Callable
from enum import StrEnum
from threading import Event

from service.domain.errors import BadConfiguration, Problem

VARIABLE = "HANDBILL_FAULT"
EXIT_CODE = 137  # as after kill -9


class CrashPoint(StrEnum):
    """Moments between which the state on disk, in Redis and in memory differ."""

    BEFORE_COMMIT = "before-commit"
    AFTER_COMMIT = "after-commit"  # on disk; nobody knows yet
    BEFORE_ANSWER = "before-answer"  # announced to the shipper; not acknowledged
    AFTER_APPLY = "after-apply"  # Redis has counted it; the reply is not looked at
    BEFORE_DELETE = "before-delete"  # rows, or a drained journal whose marks are gone


Reached = Callable[[CrashPoint], None]
_FAULT = re.compile(rf"({'|'.join(CrashPoint)}):([1-9][0-9]{{0,8}})(:hang)?")


def never(_: CrashPoint) -> None:
    """Go on: what every process does that is not under test."""


def armed(fault: str) -> Reached:
    """Return what brings about a fault, written `point:occurrence` or `point:occurrence:hang`."""
    if not fault:
        return never
    match = _FAULT.fullmatch(fault)
    if match is None:
        points = ", ".join(CrashPoint)
        message = f"write it as point:occurrence, or …:hang; the points are {points}"
        raise BadConfiguration((Problem("settings", 0, VARIABLE, message),))
    chosen, left = CrashPoint(match[1]), int(match[2])

    def reached(point: CrashPoint) -> None:
        nonlocal left
        left -= point is chosen
        if point is chosen and left == 0:
            if match[3]:
                Event().wait()
            os._exit(EXIT_CODE)

    return reached
