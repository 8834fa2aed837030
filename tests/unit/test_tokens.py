"""A token verifies only as signed: every other text, of whatever length, is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.audience import Platform
from service.domain.errors import NotAToken
from service.domain.tokens import (
    CONVERSION,
    OFFERS_MAX,
    PAGE,
    PREVIEW,
    Arm,
    Offer,
    Signer,
    Token,
    parse_token,
)

KEYS = {1: bytes(range(32)), 2: bytes(range(32, 64))}
SIGNER = Signer(KEYS, 1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

u8, u16, u32 = (st.integers(0, 2**n - 1) for n in (8, 16, 32))
offers = st.lists(st.builds(Offer, u8, u32, u16), max_size=OFFERS_MAX).map(tuple)
tokens = st.builds(
    Token,
    issued_ms=st.integers(0, 2**48 - 1),
    issuer=u32,
    serial=u32,
    site=u32,
    article=st.binary(min_size=8, max_size=8),
    platform=st.sampled_from(Platform),
    source=u8,
    depth=u8,
    gpc=st.booleans(),
    preview=st.booleans(),
    arm=st.sampled_from(Arm),
    offers=offers,
)


@given(tokens)
def test_what_was_signed_is_read_back_and_genuine(token: Token) -> None:
    parsed = parse_token(SIGNER.sign(token))
    assert parsed.token == token
    assert SIGNER.genuine(parsed)


@given(tokens, st.data())
def test_no_token_with_any_bit_changed_verifies(token: Token, data: st.DataObject) -> None:
    text = SIGNER.sign(token)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(ALPHABET.replace(text[at], "")))
    changed = text[:at] + other + text[at + 1 :]
    try:
        parsed = parse_token(changed)
    except NotAToken:
        return
    assert not SIGNER.genuine(parsed)


def test_every_single_bit_of_one_token_matters() -> None:
    text = SIGNER.sign(_token(2))
    for at, character in enumerate(text):
        for bit in range(6):
            other = ALPHABET[ALPHABET.index(character) ^ (1 << bit)]
            assert not _verifies(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize("count", range(OFFERS_MAX + 1))
def test_only_the_canonical_form_decodes(count: int) -> None:
    text = SIGNER.sign(_token(count))
    spare_bits = {0: 0, 2: 4, 3: 2}[len(text) % 4]
    for low in range(1, 1 << spare_bits):
        other = text[:-1] + ALPHABET[ALPHABET.index(text[-1]) ^ low]
        with pytest.raises(NotAToken):
            parse_token(other)
    for variant in (text + "=", text + "==", " " + text, text + "\n", text[:-1] + "é"):
        with pytest.raises(NotAToken):
            parse_token(variant)


@pytest.mark.parametrize("foreign", [*"+/= \n.!~\0é\ud800"])
def test_a_character_of_no_url_is_refused_wherever_it_stands(foreign: str) -> None:
    text = SIGNER.sign(_token(2))
    for at in range(len(text)):
        with pytest.raises(NotAToken):
            parse_token(text[:at] + foreign + text[at + 1 :])


@given(tokens, st.integers(0, 200))
def test_no_other_length_decodes(token: Token, length: int) -> None:
    text = SIGNER.sign(token)
    cut = (text * 3)[:length]
    if cut != text:
        assert not _verifies(cut)


@given(st.text(max_size=200))
def test_any_text_at_all_is_refused_cleanly(text: str) -> None:
    assert not _verifies(text)


def test_a_megabyte_is_refused() -> None:
    with pytest.raises(NotAToken):
        parse_token("A" * 1_000_000)


def test_two_offers_fit_in_a_hundred_characters_and_six_in_124() -> None:
    assert len(SIGNER.sign(_token(2))) <= 100
    assert len(SIGNER.sign(_token(OFFERS_MAX))) <= 124


def test_a_token_for_one_purpose_never_verifies_for_another() -> None:
    for signed_for in (PAGE, PREVIEW, CONVERSION):
        parsed = parse_token(SIGNER.sign(_token(1), signed_for))
        for asked_for in (PAGE, PREVIEW, CONVERSION):
            assert SIGNER.genuine(parsed, asked_for) is (signed_for == asked_for)


def test_an_older_key_still_verifies_and_an_unknown_one_never() -> None:
    old = parse_token(Signer(KEYS, 2).sign(_token(1)))
    assert SIGNER.genuine(old)
    assert not Signer({1: KEYS[1]}, 1).genuine(old)


def test_another_key_under_the_same_number_does_not_verify() -> None:
    parsed = parse_token(Signer({1: KEYS[2]}, 1).sign(_token(1)))
    assert not SIGNER.genuine(parsed)


def test_a_placement_that_appears_again_is_a_runner_up_at_the_same_position() -> None:
    token = _token(0)
    shown, runner_up, below = Offer(7, 1, 1), Offer(7, 2, 1), Offer(9, 3, 1)
    token = token._replace(offers=(shown, runner_up, below))
    assert list(token.entries(7)) == [shown, runner_up]
    assert (token.position(7), token.position(9)) == (0, 1)


def _token(count: int) -> Token:
    return Token(
        issued_ms=1_795_500_000_000,
        issuer=0xDEADBEEF,
        serial=70_000,
        site=0x12345678,
        article=b"\x01\x02\x03\x04\x05\x06\x07\x08",
        platform=Platform.ANDROID,
        source=2,
        depth=1,
        offers=tuple(Offer(n + 1, 1_000 + n, 65_535) for n in range(count)),
    )


def _verifies(text: str) -> bool:
    try:
        return SIGNER.genuine(parse_token(text))
    except NotAToken:
        return False
