"""The signed token of a page view: what was offered, where and when; stores nothing.

Layout and lives are the design's § 3. MAC: keyed BLAKE2b of 16 bytes (RFC 7693) whose `person`
separates purposes, so that a token for one use never verifies for another.
"""

import struct
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from string import ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

from service.domain.audience import Platform
from service.domain.errors import NotAToken

VERSION = 1
OFFERS_MAX = 6
PLACEMENTS_MAX = 4
KEY_BYTES = 32
_MAC_BYTES = 16
_HEAD = struct.Struct(">BBHIIII8sBBBBB")
_OFFER = struct.Struct(">BIH")
_U32 = 0xFFFF_FFFF
_LENGTHS = {  # characters of a whole token, by its number of offers
    -(-4 * (_HEAD.size + n * _OFFER.size + _MAC_BYTES) // 3): n for n in range(OFFERS_MAX + 1)
}
_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # the standard alphabet's own signs are foreign
_ALPHABET = ascii_uppercase + ascii_lowercase + digits + "-_"
# The last character has bits to spare, which must be zero; by a text's length modulo 4.
_LAST = {0: _ALPHABET, 2: _ALPHABET[::16], 3: _ALPHABET[::4]}
_PADDING = {length: b"=" * (-length % 4) for length in _LENGTHS}


class Purpose(bytes):
    """What a MAC is for; BLAKE2b's personalisation, at most 16 bytes."""


PAGE = Purpose(b"hb-page")
PREVIEW = Purpose(b"hb-preview")
CONVERSION = Purpose(b"hb-conversion")


class Arm(IntEnum):
    """Which side of an experiment a page view is on."""

    NONE = 0
    GUARD = 1
    HOLD = 2
    A = 3
    B = 4
    C = 5
    D = 6
    E = 7
    F = 8

    @property
    def label(self) -> str:
        """The word of reports; `-` for none."""
        return _ARM_LABELS[self]


_ARM_LABELS = ("-", *(arm.name.lower() for arm in Arm if arm is not Arm.NONE))


class Offer(NamedTuple):
    """One creative in one placement; propensity is its share of its campaign, 0 to 65,535."""

    placement: int
    creative: int
    propensity: int


class Token(NamedTuple):
    """What was offered on one page view, as numbers; `article` is the 8-byte id."""

    issued_ms: int
    issuer: int
    serial: int
    site: int
    article: bytes
    platform: Platform
    source: int = 0
    depth: int = 0
    gpc: bool = False
    preview: bool = False
    arm: Arm = Arm.NONE
    offers: tuple[Offer, ...] = ()

    def position(self, placement: int) -> int:
        """Return the number of an offered placement among the token's distinct ones."""
        return [*dict.fromkeys([offer.placement for offer in self.offers])].index(placement)

    def entries(self, placement: int) -> list[Offer]:
        """Return the placement's offers; the first is what was shown, the others runner-ups."""
        return [offer for offer in self.offers if offer.placement == placement]

    def narrowed(self, offer: Offer) -> "Token":
        """Return the same page view with that one offer only, as a click id carries it."""
        return self._replace(offers=(offer,))


_PLATFORMS, _ARMS = tuple(Platform), tuple(Arm)  # by their numbers; asking the type costs more
pack_offer = _OFFER.pack
"""Return an offer's bytes, given its placement, creative and propensity."""


class Parsed(NamedTuple):
    """A text in token form; `body` and `mac` are not verified yet."""

    token: Token
    key: int
    body: bytes
    mac: bytes


class Signer:
    """Signs with one key and verifies with several; keys are 32 bytes by number (1 to 255)."""

    def __init__(self, keys: Mapping[int, bytes], signing: int) -> None:
        self._keys = dict(keys)
        self._signing = signing
        self._page = blake2b(key=keys[signing], digest_size=_MAC_BYTES, person=PAGE)

    def sign(self, token: Token, purpose: Purpose = PAGE) -> str:
        """Return the token as canonical base64url text without padding."""
        return self.sign_fields(
            token.issued_ms, token.issuer, token.serial, token.site, token.article, token.platform,
            token.source, token.depth, token.gpc | token.preview << 1 | token.arm << 2,
            b"".join(pack_offer(*offer) for offer in token.offers), purpose,
        )  # fmt: skip

    def sign_fields(  # noqa: PLR0913, PLR0917  a value of them costs a fifth of a decision
        self, issued_ms: int, issuer: int, serial: int, site: int, article: bytes, platform: int,
        source: int, depth: int, flags: int, offers: bytes, purpose: Purpose = PAGE,
    ) -> str:  # fmt: skip
        """Return the token of these fields; `offers` is what `pack_offer` made of each, joined."""
        body = _HEAD.pack(
            VERSION, self._signing, issued_ms >> 32, issued_ms & _U32, issuer, serial, site,
            article, platform, source, depth, flags, len(offers) // _OFFER.size,
        ) + offers  # fmt: skip
        if purpose is PAGE:
            mac = self._page.copy()
            mac.update(body)
            return _encode(body + mac.digest())
        return _encode(body + self._mac(self._keys[self._signing], body, purpose))

    def genuine(self, parsed: Parsed, purpose: Purpose = PAGE) -> bool:
        """Say whether a known key made the MAC for that purpose, in constant time."""
        key = self._keys.get(parsed.key)
        if key is None:
            return False
        return compare_digest(self._mac(key, parsed.body, purpose), parsed.mac)

    @staticmethod
    def _mac(key: bytes, body: bytes, purpose: Purpose) -> bytes:
        return blake2b(body, key=key, digest_size=_MAC_BYTES, person=purpose).digest()


def parse_token(text: str) -> Parsed:
    """Split a text that may be a token, or raise `NotAToken`; only the canonical form passes."""
    raw = _decode(text)
    head = _HEAD.unpack_from(raw)
    version, key, high, low, issuer, serial, site, article, platform, source, depth, flags, n = head
    arm = flags >> 2
    known = version == VERSION and platform < len(_PLATFORMS) and arm < len(_ARMS)
    if not known or n != _LENGTHS[len(text)]:
        raise NotAToken
    offers = _offers(raw[_HEAD.size : -_MAC_BYTES])
    token = Token(
        high << 32 | low, issuer, serial, site, article, _PLATFORMS[platform],
        source, depth, bool(flags & 1), bool(flags & 2), _ARMS[arm], offers,
    )  # fmt: skip
    return Parsed(token, key, raw[:-_MAC_BYTES], raw[-_MAC_BYTES:])


@lru_cache(maxsize=4_096)  # the page views of a second have few combinations
def _offers(packed: bytes) -> tuple[Offer, ...]:
    return tuple(map(Offer._make, _OFFER.iter_unpack(packed)))


def _encode(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    if len(text) not in _LENGTHS:  # first of all: a megabyte of text must cost nothing
        raise NotAToken
    if text[-1] not in _LAST[len(text) % 4]:  # other texts of the same bytes
        raise NotAToken
    try:
        padded = text.encode("ascii").translate(_FROM_URL) + _PADDING[len(text)]
        return a2b_base64(padded, strict_mode=True)
    except ValueError:
        raise NotAToken from None
