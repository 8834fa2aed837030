"""Writes small databases in MaxMind's format: a search tree of networks, and their records."""

from collections.abc import Mapping
from ipaddress import IPv6Network, ip_network
from typing import Any

_SEPARATOR, _MARKER = bytes(16), b"\xab\xcd\xefMaxMind.com"
_SHORT = 29  # a longer size is in the next byte
_UINT16, _UINT32, _MAP = 5, 6, 7
_ARRAY, _UINT64 = 11, 9
_Node = list["_Node | int | None"]


def mmdb(networks: Mapping[str, Any], kind: str = "Test-Country") -> bytes:
    """Return a database of these networks' records, which do not overlap."""
    data, root = b"", list[Any]([None, None])
    for text, record in networks.items():
        at, node, network = len(data), root, _as_v6(text)
        data += _encoded(record)
        bits = format(int(network.network_address), "0128b")[: network.prefixlen]
        for bit in bits[:-1]:
            if node[int(bit)] is None:
                node[int(bit)] = [None, None]
            node = node[int(bit)]
        node[int(bits[-1])] = at
    nodes = _numbered(root)
    numbers = {id(node): number for number, node in enumerate(nodes)}

    def pointer(side: "_Node | int | None") -> bytes:
        if side is None:
            return len(nodes).to_bytes(3, "big")
        value = len(nodes) + 16 + side if isinstance(side, int) else numbers[id(side)]
        return value.to_bytes(3, "big")

    tree = b"".join(pointer(side) for node in nodes for side in node)
    return tree + _SEPARATOR + data + _MARKER + _metadata(len(nodes), kind)


def _as_v6(text: str) -> IPv6Network:
    network = ip_network(text)
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((int(network.network_address), 96 + network.prefixlen))


def _numbered(root: _Node) -> list[_Node]:
    nodes = [root]
    for node in nodes:  # which grows meanwhile
        nodes += [side for side in node if isinstance(side, list)]
    return nodes


def _metadata(count: int, kind: str) -> bytes:
    fields = {
        "binary_format_major_version": _number(_UINT16, 2),
        "binary_format_minor_version": _number(_UINT16, 0),
        "build_epoch": _number(_UINT64, 1_764_000_000),
        "database_type": _encoded(kind),
        "description": _encoded({"en": "for tests"}),
        "ip_version": _number(_UINT16, 6),
        "languages": _control(_ARRAY, 0),
        "node_count": _number(_UINT32, count),
        "record_size": _number(_UINT16, 24),
    }
    pairs = b"".join(_encoded(name) + value for name, value in fields.items())
    return _control(_MAP, len(fields)) + pairs


def _encoded(value: Any) -> bytes:
    if isinstance(value, dict):
        pairs = b"".join(_encoded(name) + _encoded(one) for name, one in value.items())
        return _control(_MAP, len(value)) + pairs
    if isinstance(value, int):
        return _number(_UINT32, value)
    text = str(value).encode()
    return _control(2, len(text)) + text


def _number(kind: int, value: int) -> bytes:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return _control(kind, len(raw)) + raw


def _control(kind: int, size: int) -> bytes:
    """Return a value's head: kinds above 7 are written in a byte of their own."""
    length = min(_SHORT, size)
    more = b"" if size < _SHORT else bytes([size - _SHORT])
    if kind > _MAP:
        return bytes([length, kind - _MAP]) + more
    return bytes([kind << 5 | length]) + more
