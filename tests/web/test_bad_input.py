"""Hostile tokens and events: rows 1 to 23 of the bad-input catalogue, row by row."""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.domain.ads import code_of
from service.domain.tokens import CONVERSION, Offer, Signer, parse_token
from tests.web.hostile import encoded, harmless
from tests.web.houses import COAST, DESKTOP, IPHONE, NEWS, House

FALLBACK = "https://news.example/apps"
VIEW = {"kind": "view"}
LAST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _alphabet(token: str) -> list[str]:
    return [token[:-4] + tail for tail in ("+/+/", "AA==", "AA A", "%41A", "AAA\u00e9", "AA\0A")]


def _tails(token: str) -> list[str]:
    at = LAST.index(token[-1])
    return [token[:-1] + LAST[at ^ bit] for bit in (1, 2, 3)] if len(token) % 4 else []


def _flipped(token: str) -> list[str]:
    return [token[:n] + LAST[LAST.index(c) ^ 32] + token[n + 1 :] for n, c in enumerate(token)]


def _version(token: str) -> list[str]:
    return [LAST[n] + token[1:] for n in range(1, 64)]


TOKENS: dict[str, Callable[[str], list[str]]] = {
    "row01-empty": lambda _: ["", " ", "canary"],
    "row02-alphabet": _alphabet,
    "row03-truncated": lambda token: [token[:n] for n in range(1, len(token))],
    "row05-other-tail-bits": _tails,
    "row06-longer": lambda token: [token + "A" * n for n in (1, 4, 13, 24, 4_000)],
    "row07-version": _version,
}


@pytest.mark.parametrize("name", TOKENS)
def test_what_cannot_be_a_token_is_refused_and_a_click_with_it_falls_back(
    house: House, name: str
) -> None:
    # 76 bytes, so that the last character has bits to spare.
    token = house.token(offers=(Offer(1, code_of("vs-text"), 1),) * 3)
    bad = TOKENS[name](token)
    assert bad
    for text in bad:
        answer = harmless(house.report(text, VIEW, Origin=NEWS))
        assert (answer.status, answer.fields) == (400, ["token"]), text
        if text.strip():
            click = house.follow(f"/c/{encoded(text)}/top", Referer=f"{NEWS}/x")
            assert harmless(click).location == FALLBACK, text


def test_row04_a_flipped_bit_never_counts(house: House) -> None:
    counting, flipped = house.counting("verdict"), _flipped(house.token())
    statuses = [harmless(house.report(text, VIEW)).status for text in flipped]
    assert set(statuses) <= {204, 400}
    assert counting.gained(statuses.count(204)) == {("forged",): statuses.count(204)}


def test_row06_a_token_of_a_megabyte_is_not_even_read(house: House) -> None:
    assert harmless(house.report("A" * 1_000_000, VIEW)).status == 413
    assert harmless(house.follow(f"/c/{'A' * 1_000_000}/top")).status == 400


def _forged(house: House, key: int) -> str:
    return Signer({key: secrets.token_bytes(32)}, key).sign(parse_token(house.token()).token)


EVENTS: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, str], str]] = {
    "row09-expired-by-1-s": ({"age_s": 7_201}, VIEW, {}, "expired"),
    "row09-expired-for-years": ({"age_s": 1e9}, VIEW, {}, "expired"),
    "row10-future-50-s": ({"age_s": -50}, VIEW, {}, "valid"),
    "row10-future-70-s": ({"age_s": -70}, VIEW, {}, "expired"),
    "row14-view-time": ({}, {**VIEW, "ms": -1, "s": 1e30, "canary": [{}]}, {}, "valid"),
    "row15-not-offered": ({"offers": ()}, {"kind": "dismiss", "placement": "top"}, {}, "mismatch"),
    "row16-other-origin": ({}, VIEW, {"Origin": COAST}, "wrong_site"),
    "row16-stranger": ({}, VIEW, {"Origin": "https://canary.example"}, "wrong_site"),
    "row17-no-origin": ({}, VIEW, {}, "valid"),
    "row17-null-origin": ({}, VIEW, {"Origin": "null"}, "valid"),
    "row18-other-purpose": ({"purpose": CONVERSION}, VIEW, {}, "forged"),
    "row19-preview": ({"preview": True}, VIEW, {}, "preview"),
    "row20-site-gone": ({"site": 1}, VIEW, {}, "mismatch"),
    "row20-creative-gone": (
        {"offers": (Offer(1, 1, 1),)}, {"kind": "impression", "placement": "top"}, {}, "mismatch",
    ),
    "row22-no-agent": ({}, VIEW, {"User-Agent": ""}, "bot"),
    "row22-headless": ({}, VIEW, {"User-Agent": DESKTOP.replace("Ch", "HeadlessCh")}, "bot"),
    "row22-unfurler": ({}, VIEW, {"User-Agent": "facebookexternalhit/1.1"}, "bot"),
    "row22-twitterbot": ({}, VIEW, {"User-Agent": "Twitterbot/1.0"}, "bot"),
    "row22-linkedinbot": ({}, VIEW, {"User-Agent": "LinkedInBot/1.0"}, "bot"),
    "row22-redditbot": ({}, VIEW, {"User-Agent": "redditbot/1.0"}, "bot"),
    "row22-sec-purpose": ({}, VIEW, {"Sec-Purpose": "prefetch"}, "prefetch"),
    "row22-x-moz": ({}, VIEW, {"X-Moz": "prefetch"}, "prefetch"),
    "row22-purpose": ({}, VIEW, {"Purpose": "prefetch"}, "prefetch"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_a_doubtful_event_is_204_and_kept_apart(house: House, name: str) -> None:
    changes, event, headers, verdict = EVENTS[name]
    counting = house.counting("kind,verdict")
    answer = harmless(house.report(house.token(**changes), event, **headers))
    assert (answer.status, answer.body) == (204, b"")
    assert counting.gained(1) == {(event["kind"], verdict): 1}


@pytest.mark.parametrize("key", [pytest.param(9, id="row07-unknown-key"),
                                 pytest.param(1, id="row08-revoked-key")])  # fmt: skip
def test_a_key_that_is_not_ours_any_more_counts_nothing(house: House, key: int) -> None:
    counting = house.counting("verdict")
    assert harmless(house.report(_forged(house, key), VIEW)).status == 204
    assert harmless(house.follow(f"/c/{_forged(house, key)}/top")).status == 302
    assert counting.gained(2) == {("forged",): 2}


def test_row11_a_replay_from_all_sides_at_once_counts_once(house: House) -> None:
    counting, token = house.counting("kind,verdict"), house.token()
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(house.report, token, VIEW) for _ in range(200)]
    assert {future.result().status for future in sent} == {204}
    assert counting.gained(200) == {("view", "valid"): 1, ("view", "duplicate"): 199}


def test_row13_a_click_without_an_impression_counts(house: House) -> None:
    counting = house.counting("kind,verdict")
    assert harmless(house.follow(f"/c/{house.token()}/top")).status == 302
    assert counting.gained(1) == {("click", "valid"): 1}


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([], id="row21-none"),
        pytest.param([VIEW] * 51, id="row21-51"),
        pytest.param([{"kind": "canary"}], id="row15-unknown-kind"),
        pytest.param([{"kind": "click"}], id="row15-click"),
        pytest.param([VIEW, {"kind": "conversion"}], id="row15-conversion"),
    ],
)
def test_a_body_that_is_no_batch_is_400(house: House, events: list[dict[str, str]]) -> None:
    assert harmless(house.report(house.token(), *events)).status == 400


def test_row21_ten_thousand_events_are_413(house: House) -> None:
    assert harmless(house.report(house.token(), *[VIEW] * 10_000)).status == 413


def test_row23_neither_head_nor_options_follows_a_click(house: House) -> None:
    for method in ("HEAD", "OPTIONS"):
        answer = house.public.send(method, f"/c/{house.token()}/top", {"User-Agent": IPHONE})
        assert (answer.status, answer.headers["allow"]) == (405, "GET")
