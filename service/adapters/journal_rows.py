"""Rows as bytes and back, under a checksum; what was damaged comes back as None, not a guess."""

import struct
from typing import NamedTuple
from zlib import crc32

import msgspec

from service.domain.events import Event
from service.domain.rows import Name, Row

_CRC_BYTES = 4
_NAMES = 8  # the place of an event's names, which a row holds once
_STAMP = struct.Struct(">qBqqq")


class Stamp(NamedTuple):
    """What stands beside a row's bytes and is checked with them.

    `before` is the sum of the shard's events in all earlier rows of the journal: two rows whose
    sums do not meet say exactly how much is missing between them.
    """

    number: int
    shard: int
    before: int
    total: int
    made_ms: int


class _Body(msgspec.Struct, array_like=True):
    events: list[Event]
    names: list[Name]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def encode(row: Row, stamp: Stamp) -> bytes:
    """Return a row's events and names as MessagePack, after the CRC-32 (big-endian) of it all."""
    body = _encoder.encode(([event[:_NAMES] for event in row.events], row.names))
    return crc32(body, crc32(_STAMP.pack(*stamp))).to_bytes(_CRC_BYTES, "big") + body


def decode(raw: bytes, stamp: Stamp) -> Row | None:
    """Return the row of these bytes, None where they or the stamp are not what was written."""
    if not sound(raw, stamp):
        return None
    try:
        decoded = _decoder.decode(raw[_CRC_BYTES:])
    except msgspec.MsgspecError:
        return None
    return Row(stamp.shard, decoded.events, decoded.names, stamp.total, stamp.made_ms)


def sound(raw: bytes, stamp: Stamp) -> bool:
    """Say whether bytes and stamp are what was written; a damaged file may hold any type."""
    try:
        found = crc32(raw[_CRC_BYTES:], crc32(_STAMP.pack(*stamp)))
        return found == int.from_bytes(raw[:_CRC_BYTES], "big")
    except (struct.error, TypeError):
        return False
