"""An event has one verdict, the first that applies; and bits of its own, within 32."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.audience import Agent, Platform
from service.domain.events import (
    BITS_PER_TOKEN,
    CHUNK_TOKENS,
    LIFE_MS,
    SHARDS,
    SKEW_MS,
    Facts,
    Kind,
    Verdict,
    bit_of,
    judge,
    shard_of,
)
from service.domain.tokens import PLACEMENTS_MAX

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
SOUND = Facts(
    Kind.CLICK,
    age_ms=5_000,
    own=True,
    preview=False,
    prefetch=False,
    bot=False,
    right_site=True,
    offered=True,
)
# What makes each verdict of this process apply, in the order of the ledger. A token issued more
# than the skew ahead is both expired and too fast.
FAULTS: dict[Verdict, dict[str, Any]] = {
    Verdict.PREVIEW: {"preview": True},
    Verdict.PREFETCH: {"prefetch": True},
    Verdict.BOT: {"bot": True},
    Verdict.EXPIRED: {"age_ms": -SKEW_MS - 1},
    Verdict.WRONG_SITE: {"right_site": False},
    Verdict.MISMATCH: {"offered": False},
    Verdict.TOO_FAST: {"age_ms": 99},
}


def test_an_event_without_fault_is_valid() -> None:
    assert judge(SOUND) is Verdict.VALID


@pytest.mark.parametrize("verdict", FAULTS)
def test_each_fault_alone_has_its_verdict(verdict: Verdict) -> None:
    assert judge(SOUND._replace(**FAULTS[verdict])) is verdict


@pytest.mark.parametrize(("first", "second"), list(combinations(FAULTS, 2)))
def test_of_two_verdicts_that_apply_the_earlier_wins(first: Verdict, second: Verdict) -> None:
    both = SOUND._replace(**{**FAULTS[second], **FAULTS[first]})
    assert judge(both) is first


@given(st.sets(st.sampled_from(list(FAULTS))))
def test_of_any_verdicts_that_apply_the_earliest_wins(some: set[Verdict]) -> None:
    facts = SOUND
    for verdict in sorted(some, key=list(FAULTS).index, reverse=True):
        facts = facts._replace(**FAULTS[verdict])
    assert judge(facts) is next((verdict for verdict in FAULTS if verdict in some), Verdict.VALID)


def test_the_ledger_is_the_closed_set_of_the_design_in_its_order() -> None:
    assert [str(verdict) for verdict in Verdict] == [
        "forged", "preview", "prefetch", "bot", "expired", "wrong_site", "mismatch", "too_fast",
        "rate_limited", "duplicate", "valid",
    ]  # fmt: skip
    assert list(FAULTS) == list(Verdict)[1:8]


@pytest.mark.parametrize(
    ("kind", "life_ms"),
    [
        (Kind.VIEW, 2 * HOUR_MS),
        (Kind.IMPRESSION, 2 * HOUR_MS),
        (Kind.VIEWABLE, 2 * HOUR_MS),
        (Kind.DISMISS, 2 * HOUR_MS),
        (Kind.CLICK, DAY_MS),
        (Kind.SHARE, DAY_MS),
        (Kind.CONVERSION, 30 * DAY_MS),
    ],
)
def test_each_kind_lives_as_long_as_the_design_says_to_the_millisecond(
    kind: Kind, life_ms: int
) -> None:
    assert LIFE_MS[kind] == life_ms
    assert judge(SOUND._replace(kind=kind, age_ms=life_ms)) is Verdict.VALID
    assert judge(SOUND._replace(kind=kind, age_ms=life_ms + 1)) is Verdict.EXPIRED


@pytest.mark.parametrize("kind", LIFE_MS)
def test_another_clock_may_be_a_minute_ahead_and_no_more(kind: Kind) -> None:
    facts = SOUND._replace(kind=kind, own=False)
    assert judge(facts._replace(age_ms=-MINUTE_MS)) is Verdict.VALID
    assert judge(facts._replace(age_ms=-MINUTE_MS - 1)) is Verdict.EXPIRED


@pytest.mark.parametrize(("kind", "after_ms"), [(Kind.VIEWABLE, 1_000), (Kind.CLICK, 100)])
def test_too_fast_ends_at_its_bound_and_only_who_issued_may_say_it(
    kind: Kind, after_ms: int
) -> None:
    early = SOUND._replace(kind=kind, age_ms=after_ms - 1)
    assert judge(early) is Verdict.TOO_FAST
    assert judge(early._replace(age_ms=after_ms)) is Verdict.VALID
    assert judge(early._replace(own=False)) is Verdict.VALID


@pytest.mark.parametrize("kind", [Kind.VIEW, Kind.IMPRESSION, Kind.SHARE, Kind.DISMISS])
def test_other_kinds_are_never_too_fast(kind: Kind) -> None:
    assert judge(SOUND._replace(kind=kind, age_ms=0)) is Verdict.VALID


def test_the_bits_of_a_token_are_all_different_and_fill_its_32() -> None:
    kinds = (Kind.IMPRESSION, Kind.VIEWABLE, Kind.CLICK, Kind.DISMISS)
    bits = [bit_of(Kind.VIEW, 0)]
    bits += [bit_of(kind, position) for position in range(PLACEMENTS_MAX) for kind in kinds]
    bits += [bit_of(Kind.SHARE, network) for network in range(1, 16)]
    assert sorted(bits) == list(range(BITS_PER_TOKEN))


def test_the_bits_are_those_of_the_design() -> None:
    assert bit_of(Kind.VIEW, 3) == 0
    assert [bit_of(kind, 2) for kind in (Kind.IMPRESSION, Kind.VIEWABLE)] == [9, 10]
    assert [bit_of(kind, 2) for kind in (Kind.CLICK, Kind.DISMISS)] == [11, 12]
    assert bit_of(Kind.SHARE, 4) == 20


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_token_has_one_shard_which_it_shares_with_its_whole_chunk(
    issuer: int, serial: int
) -> None:
    shard = shard_of(issuer, serial)
    assert shard == (issuer + serial // 65_536) % 16
    assert 0 <= shard < SHARDS
    assert shard == shard_of(issuer, serial // CHUNK_TOKENS * CHUNK_TOKENS)
    assert shard_of(issuer, serial + CHUNK_TOKENS) == (shard + 1) % SHARDS


@given(st.sampled_from(Platform), st.sampled_from(Platform), st.booleans())
def test_platforms_contradict_only_where_both_are_known_and_differ(
    said: Platform, decided: Platform, macintosh: bool
) -> None:
    agent = Agent(said, bot=False, macintosh=macintosh)
    ipad = macintosh and decided is Platform.IOS
    differ = Platform.UNKNOWN not in {said, decided} and said is not decided
    assert agent.contradicts(decided) is (differ and not ipad)


def test_a_macintosh_with_touch_is_an_ipad() -> None:
    macintosh = Agent(Platform.DESKTOP, bot=False, macintosh=True)
    assert macintosh.platform_with(touch=True) is Platform.IOS
    assert macintosh.platform_with(touch=False) is Platform.DESKTOP
    assert Agent(Platform.DESKTOP, bot=False).platform_with(touch=True) is Platform.DESKTOP
    assert [platform.label for platform in Platform] == ["unknown", "ios", "android", "desktop"]
