"""Rows as bytes and back, under a checksum; what was damaged comes back as None, not a guess."""

from zlib import crc32

import msgspec

from service.domain.events import Event
from service.domain.rows import Name, Row

_CRC_BYTES = 4
_NAMES = 8  # the place of an event's names, which a row holds once


class _Body(msgspec.Struct, array_like=True):
    events: list[Event]
    names: list[Name]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Body)


def encode(row: Row) -> bytes:
    """Return a row's events and names as MessagePack, preceded by its CRC-32 (big-endian)."""
    body = _encoder.encode(([event[:_NAMES] for event in row.events], row.names))
    return crc32(body).to_bytes(_CRC_BYTES, "big") + body


def decode(raw: bytes, *, shard: int, total: int, made_ms: int) -> Row | None:
    """Return the row of these bytes, None where they are not what was written."""
    body = raw[_CRC_BYTES:]
    if crc32(body) != int.from_bytes(raw[:_CRC_BYTES], "big"):
        return None
    try:
        decoded = _decoder.decode(body)
    except msgspec.MsgspecError:
        return None
    return Row(shard, decoded.events, decoded.names, total, made_ms)
