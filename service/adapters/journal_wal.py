"""The write-ahead log that a crash left: lets SQLite read on behind damage it would stop at.

SQLite reads a log up to the first frame that fails its checksum, and takes the rest for a commit
that was cut short, without a word. Of the last commit that is true; every earlier one was fsynced
before the next began, so there it is damage, which may cost what it hit and nothing behind it.
"""

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MAGIC = 0x377F0682  # its last bit says that checksums are of big-endian words
_VERSION = 3_007_000
_PAGE = 4_096
_HEADER = struct.Struct(">4L8s")  # magic, version, page size, cycle, salts; then a checksum
_HEADER_BYTES, _FRAME_BYTES = 32, 24 + _PAGE
_MASK = 0xFFFF_FFFF
_Sum = tuple[int, int]


class _Frame(NamedTuple):
    """Where a frame is; whether it ends a commit; whether it is what was written after the last."""

    at: int
    commit: bool
    sound: bool


class Mended(NamedTuple):
    """How many damaged frames are read now, and how many of a last commit are left out."""

    damaged: int = 0
    cut_short: int = 0


def mend(path: Path) -> Mended:
    """Have SQLite read on behind the damaged frames of finished commits."""
    try:
        log = bytearray(path.read_bytes())
    except FileNotFoundError:
        return Mended()
    if len(log) < _HEADER_BYTES + _FRAME_BYTES:
        return Mended()
    big = bool(log[3] & 1)
    intact = _checksum(log, 0, 24, (0, 0), big=big) == _stored(log, 24)
    salts = bytes(log[16:24] if intact else log[_HEADER_BYTES + 8 : _HEADER_BYTES + 16])
    written = _frames(log, salts, big=big, gaps=intact)
    frames = _finished(written)
    damaged = sum(not frame.sound for frame in frames)
    if frames and not (intact and damaged == 0):
        if not intact:
            _HEADER.pack_into(log, 0, _MAGIC | big, _VERSION, _PAGE, 0, salts)
            log[24:32] = struct.pack(">2L", *_checksum(log, 0, 24, (0, 0), big=big))
        _seal(log, frames, salts, big=big)
        _replace(path, log)
    return Mended(damaged, len(written) - len(frames))


def _frames(log: bytearray, salts: bytes, *, big: bool, gaps: bool) -> list[_Frame]:
    """Return the frames of this cycle; behind the last with its salts are those of an older one."""
    places = range(_HEADER_BYTES, len(log) - _FRAME_BYTES + 1, _FRAME_BYTES)
    ours = [log[at + 8 : at + 16] == salts for at in places]
    count = len(ours) - ours[::-1].index(True) if gaps and True in ours else 0
    if not gaps:
        count = ours.index(False) if False in ours else len(ours)
    return list(_judged(log, places[:count], ours, big=big))


def _judged(log: bytearray, places: range, ours: list[bool], *, big: bool) -> Iterator[_Frame]:
    previous = _stored(log, 24)
    for at, own in zip(places, ours, strict=False):
        commit = bytes(log[at + 4 : at + 8]) != bytes(4)
        found = _checksum(log, at, 8, previous, big=big)
        found = _checksum(log, at + 24, _PAGE, found, big=big)
        previous = _stored(log, at + 16)
        yield _Frame(at, commit, own and found == previous)


def _finished(frames: list[_Frame]) -> list[_Frame]:
    """Return the frames of commits that were finished: the last one only if all of it is sound."""
    ends = [number for number, frame in enumerate(frames, 1) if frame.commit]
    if not ends:
        return []
    before = ends[-2] if len(ends) > 1 else 0
    whole = all(frame.sound for frame in frames[before : ends[-1]])
    return frames[: ends[-1] if whole else before]


def _seal(log: bytearray, frames: list[_Frame], salts: bytes, *, big: bool) -> None:
    """Give every frame the checksum that continues the one before it."""
    total = _stored(log, 24)
    for at, *_ in frames:
        log[at + 8 : at + 16] = salts
        total = _checksum(log, at, 8, total, big=big)
        total = _checksum(log, at + 24, _PAGE, total, big=big)
        struct.pack_into(">2L", log, at + 16, *total)


def _checksum(log: bytearray, at: int, size: int, start: _Sum, *, big: bool) -> _Sum:
    words = array("I", bytes(log[at : at + size]))
    if big != (sys.byteorder == "big"):
        words.byteswap()
    first, second = start
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second


def _stored(log: bytearray, at: int) -> _Sum:
    first, second = struct.unpack_from(">2L", log, at)
    return first, second


def _replace(path: Path, log: bytearray) -> None:
    mended = path.with_suffix(".rebuilt")
    with mended.open("wb") as file:
        file.write(log)
        file.flush()
        os.fsync(file.fileno())
    mended.replace(path)
