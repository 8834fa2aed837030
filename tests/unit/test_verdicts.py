"""Every verdict is reached through the Recorder with real tokens, and nothing else is valid."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.audience import Agent, Platform
from service.domain.events import HOUR_MS, Event, Kind, Verdict
from service.domain.tokens import PREVIEW, Arm, Offer, Parsed, Token, parse_token
from service.flows.meanings import Deed
from tests.example import (
    ARTICLE,
    CREATIVE,
    HOUR,
    NOW_MS,
    OTHER_ARTICLE,
    SIGNER,
    SITE,
    STRANGER,
    TOP,
)
from tests.recording import IMPRESSION, ISSUER, READER, TOKEN, event_of, recorder

BAD_TOKENS: dict[str, Parsed | None] = {
    "no token at all": None,
    "a key that nobody gave": parse_token(STRANGER.sign(TOKEN)),
    "a token for another purpose": parse_token(SIGNER.sign(TOKEN, PREVIEW)),
}


@pytest.mark.parametrize("parsed", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_forged_token_names_nothing(parsed: Parsed | None) -> None:
    deeds = [IMPRESSION, Deed(Kind.SHARE, network="reddit")]
    assert recorder().judged(parsed, deeds, READER) == [
        Event(HOUR, 0, f"other|-|-|-|-|-|-|{deed.kind}|-", Verdict.FORGED, 1) for deed in deeds
    ]


# deed, changes of the token, of the reader, verdict
JUDGED: dict[str, tuple[Deed, dict[str, Any], dict[str, Any], Verdict]] = {
    "preview": (IMPRESSION, {"preview": True}, {}, Verdict.PREVIEW),
    "prefetch": (IMPRESSION, {}, {"prefetch": True}, Verdict.PREFETCH),
    "bot": (IMPRESSION, {}, {"agent": Agent(Platform.IOS, bot=True)}, Verdict.BOT),
    "expired": (IMPRESSION, {"issued_ms": NOW_MS - 2 * HOUR_MS - 1}, {}, Verdict.EXPIRED),
    "ahead": (IMPRESSION, {"issued_ms": NOW_MS + 60_001}, {}, Verdict.EXPIRED),
    "other site": (IMPRESSION, {}, {"origin": "https://other.example"}, Verdict.WRONG_SITE),
    "plain http": (IMPRESSION, {}, {"origin": "http://news.example"}, Verdict.WRONG_SITE),
    "no placement": (Deed(Kind.CLICK), {}, {}, Verdict.MISMATCH),
    "unknown placement": (Deed(Kind.CLICK, "middle"), {}, {}, Verdict.MISMATCH),
    "not offered there": (Deed(Kind.CLICK, "top"), {"offers": TOKEN.offers[1:2]}, {},
                          Verdict.MISMATCH),
    "other creative": (Deed(Kind.CLICK, "top", "rival-b"), {}, {}, Verdict.MISMATCH),
    "no such rank": (Deed(Kind.CLICK, "top", runner_up=2), {}, {}, Verdict.MISMATCH),
    "unknown creative": (Deed(Kind.CLICK, "top"), {"offers": (Offer(TOP.code, 1, 9),)}, {},
                         Verdict.MISMATCH),
    "not of the site": (Deed(Kind.SHARE, network="whatsapp"), {}, {}, Verdict.MISMATCH),
    "unknown network": (Deed(Kind.SHARE, network="x"), {}, {}, Verdict.MISMATCH),
    "other article": (Deed(Kind.SHARE, network="reddit", article=OTHER_ARTICLE), {}, {},
                      Verdict.MISMATCH),
    "other platform": (Deed(Kind.VIEW), {"platform": Platform.ANDROID}, {}, Verdict.MISMATCH),
    "too fast": (Deed(Kind.VIEWABLE, "top"), {"issued_ms": NOW_MS - 999, "issuer": 7}, {},
                 Verdict.TOO_FAST),
    "another's clock": (Deed(Kind.VIEWABLE, "top"), {"issued_ms": NOW_MS - 999}, {},
                        Verdict.VALID),
    "own article": (Deed(Kind.SHARE, network="reddit", article=ARTICLE), {}, {}, Verdict.VALID),
    "opaque origin": (IMPRESSION, {}, {"origin": "null"}, Verdict.VALID),
    "no origin": (IMPRESSION, {}, {"origin": None}, Verdict.VALID),
    "platform unknown": (IMPRESSION, {"platform": Platform.UNKNOWN}, {}, Verdict.VALID),
    "agent unknown": (IMPRESSION, {}, {"agent": Agent(Platform.UNKNOWN, bot=False)},
                      Verdict.VALID),
    "iPad": (IMPRESSION, {}, {"agent": Agent(Platform.DESKTOP, bot=False, macintosh=True)},
             Verdict.VALID),
}  # fmt: skip


@pytest.mark.parametrize(("deed", "token", "reader", "verdict"), JUDGED.values(), ids=JUDGED.keys())
def test_the_verdict(
    deed: Deed, token: dict[str, Any], reader: dict[str, Any], verdict: Verdict
) -> None:
    event = event_of(deed, reader=READER._replace(**reader), **token)
    assert event.verdict == verdict
    if verdict is not Verdict.VALID:
        assert (event.seen, event.article, event.pace, event.names) == (None, None, None, ())


@pytest.mark.parametrize("origin", [None, "https://news.example"])
@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in {"conversion", "open"}])
def test_nothing_of_an_unknown_site_is_valid(kind: Kind, origin: str | None) -> None:
    deed = Deed(kind, "top", network="reddit")
    event = event_of(deed, reader=READER._replace(origin=origin), site=1)
    assert event.verdict == (Verdict.WRONG_SITE if origin else Verdict.MISMATCH)
    assert event.field.startswith("other|")


@given(
    st.builds(
        Token,
        issued_ms=st.integers(NOW_MS - 10**9, NOW_MS + 10**5),
        issuer=st.sampled_from([7, ISSUER]),
        serial=st.integers(0, 2**32 - 1),
        site=st.sampled_from([SITE.code, 0, 2**32 - 1]),
        article=st.binary(min_size=8, max_size=8),
        platform=st.sampled_from(Platform),
        source=st.integers(0, 255),
        depth=st.integers(0, 255),
        arm=st.sampled_from(Arm),
        offers=st.lists(
            st.builds(Offer, st.integers(1, 3), st.sampled_from([CREATIVE.code, 5]), st.just(9)),
            max_size=6,
        ).map(tuple),
    ),
    st.builds(
        Deed,
        st.sampled_from([kind for kind in Kind if kind not in {"conversion", "open"}]),
        st.sampled_from([None, "top", "bottom", "x|y"]),
        st.sampled_from([None, "vs-text", "rival-a", "|"]),
        st.integers(0, 6),
        st.sampled_from([None, "reddit", "copy", "|"]),
    ),
)
def test_any_genuine_token_is_judged_and_named_in_nine_closed_words(
    token: Token, deed: Deed
) -> None:
    event = recorder().judged(parse_token(SIGNER.sign(token)), [deed], READER)[0]
    words = event.field.split("|")
    assert len(words) == 9
    assert words[0] in {"example", "other"}
    assert words[1] in {"-", "other", "top", "bottom"}
    assert words[3] in {"-", "vs-text"}
    assert words[8] in {"-", "other", "reddit", "copy"}
    if event.seen is not None:
        issuer, chunk, bit = event.seen
        assert (issuer, chunk, bit // 32) == (
            token.issuer,
            token.serial >> 16,
            token.serial & 0xFFFF,
        )
