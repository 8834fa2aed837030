"""What readers do is judged against the token that offered it, and named only by what it says."""

import pytest

from service.domain.audience import Agent, Platform
from service.domain.delays import Delays
from service.domain.errors import JournalRefused
from service.domain.events import Event, Kind, Verdict, bit_of, shard_of
from service.domain.names import article_name, creative_name
from service.domain.tokens import Arm
from service.flows.meanings import Deed
from service.flows.record import Reader
from tests.example import (
    ARTICLE,
    CREATIVE,
    HOUR,
    NOW_MS,
    OTHER_ARTICLE,
    campaign,
    catalog,
    site,
)
from tests.fakes import MemoryLog
from tests.planning import planner as planner_of
from tests.recording import CATALOG, CHUNK, IMPRESSION, ISSUER, READER, event_of, recorder, signed

AD = "example|top|vital-signs|vs-text|ios|reddit|-"
NAME = creative_name(CREATIVE.code, "vital-signs", "vs-text")


def test_an_impression_is_named_by_the_token_and_counted_once() -> None:
    assert event_of(IMPRESSION) == Event(
        HOUR,
        shard_of(ISSUER, CHUNK + 3),
        f"{AD}|impression|-",
        Verdict.VALID,
        1,
        (ISSUER, 1, 3 * 32 + bit_of(Kind.IMPRESSION, 0)),
        f"example|{ARTICLE.id.hex()}|reddit|impression|-",
        "vs-text|top|ios|-|impression",
        (NAME,),
    )


@pytest.mark.parametrize(
    ("deed", "field", "bit"),
    [
        (Deed(Kind.VIEW), "example|-|-|-|ios|reddit|-|view|-", 0),
        (Deed(Kind.VIEWABLE, "top", "vs-text"), f"{AD}|viewable|-", 2),
        (Deed(Kind.CLICK, "top"), f"{AD}|click|-", 3),
        (Deed(Kind.DISMISS, "top", "vs-text"), f"{AD}|dismiss|-", 4),
        (
            Deed(Kind.IMPRESSION, "bottom"),
            "example|bottom|vital-signs|vs-text|ios|reddit|-|impression|-",
            5,
        ),
        (Deed(Kind.SHARE, network="twitter"), "example|-|-|-|ios|reddit|-|share|twitter", 18),
        (Deed(Kind.SHARE, network="copy"), "example|-|-|-|ios|reddit|-|share|copy", 30),
        (Deed(Kind.SHARE, network="native"), "example|-|-|-|ios|reddit|-|share|native", 31),
    ],
)
def test_each_kind_has_its_field_and_its_bit(deed: Deed, field: str, bit: int) -> None:
    event = event_of(deed)
    assert (event.field, event.verdict) == (field, Verdict.VALID)
    assert event.seen == (ISSUER, 1, 3 * 32 + bit)


@pytest.mark.parametrize(
    ("source", "word"), [(0, "-"), (1, "facebook"), (12, "other"), (255, "other")]
)
def test_the_source_is_a_network_a_direct_visit_or_other(source: int, word: str) -> None:
    assert event_of(Deed(Kind.VIEW), source=source).field == f"example|-|-|-|ios|{word}|-|view|-"


def test_arm_and_privacy_signal_change_neither_verdict_nor_bit() -> None:
    event = event_of(IMPRESSION, arm=Arm.HOLD, gpc=True)
    assert event.field == "example|top|vital-signs|vs-text|ios|reddit|hold|impression|-"
    assert event.pace == "vs-text|top|ios|hold|impression"
    assert (event.verdict, event.seen) == (Verdict.VALID, event_of(IMPRESSION).seen)


@pytest.mark.parametrize("kind", [Kind.VIEWABLE, Kind.CLICK, Kind.DISMISS])
def test_what_was_held_back_is_neither_looked_at_nor_clicked(kind: Kind) -> None:
    event = event_of(Deed(kind, "top"), arm=Arm.HOLD)
    assert (event.verdict, event.pace) == (Verdict.MISMATCH, None)
    for deed in (Deed(Kind.VIEW), Deed(Kind.SHARE, network="reddit")):
        assert event_of(deed, arm=Arm.HOLD).verdict is Verdict.VALID


def test_a_runner_up_shares_the_bits_of_its_placement_and_counts_for_budgets_alone() -> None:
    by_rank = event_of(Deed(Kind.CLICK, "top", runner_up=1))
    by_name = event_of(Deed(Kind.CLICK, "top", "rival-a"))
    assert by_rank == by_name
    assert by_rank.field == "example|top|rival|rival-a|ios|reddit|-|click|-"
    assert (by_rank.verdict, by_rank.pace) == (Verdict.VALID, "rival-a|top|ios|runner-up|click")
    assert by_rank.seen == event_of(Deed(Kind.CLICK, "top")).seen


def test_views_and_shares_teach_nothing() -> None:
    assert event_of(Deed(Kind.VIEW)).pace is None
    assert event_of(Deed(Kind.SHARE, network="reddit")).pace is None


def test_a_mismatch_names_no_more_than_is_configured() -> None:
    assert event_of(Deed(Kind.CLICK, "<b>")).field == "example|other|-|-|ios|reddit|-|click|-"
    assert event_of(Deed(Kind.CLICK, "top", "<b>")).field == "example|top|-|-|ios|reddit|-|click|-"
    shared = event_of(Deed(Kind.SHARE, network="<b>"))
    assert shared.field == "example|-|-|-|ios|reddit|-|share|other"


def test_a_view_names_its_article_only_if_the_address_is_the_tokens() -> None:
    mine = event_of(Deed(Kind.VIEW, article=ARTICLE, title="Summit"))
    assert mine.names == (article_name(ARTICLE, "Summit"),)
    other = event_of(Deed(Kind.VIEW, article=OTHER_ARTICLE, title="Final"))
    assert (other.verdict, other.names) == (Verdict.VALID, ())
    assert mine.article == other.article == f"example|{ARTICLE.id.hex()}|reddit|view|-"
    shared = event_of(Deed(Kind.SHARE, network="reddit", article=ARTICLE, title="Summit"))
    assert shared.names == ()


async def test_a_creative_that_left_the_catalogue_still_counts_under_its_name() -> None:
    planner = planner_of(CATALOG)
    await planner.adopt(catalog(campaign("new"), sites=(site("elsewhere"),)))
    event = recorder(planner=planner).judged(signed(), [IMPRESSION], READER)[0]
    assert (event.verdict, event.field) == (Verdict.VALID, f"{AD}|impression|-")
    assert event.names == (NAME,)


async def test_what_is_recorded_is_in_the_log_in_order() -> None:
    log = MemoryLog()
    deeds = [Deed(Kind.VIEW), IMPRESSION, Deed(Kind.SHARE, network="copy")]
    await recorder(log).record(signed(), deeds, READER)
    assert log.events == recorder().judged(signed(), deeds, READER)


async def test_what_the_log_refuses_is_not_acknowledged() -> None:
    log = MemoryLog(refusing="full")
    with pytest.raises(JournalRefused, match="full"):
        await recorder(log).record(signed(), [IMPRESSION], READER)
    assert log.events == []


@pytest.mark.parametrize(
    ("reader", "verdict"),
    [
        (READER, Verdict.VALID),
        (Reader(Agent(Platform.UNKNOWN, bot=True)), Verdict.BOT),
        (Reader(Agent(Platform.UNKNOWN, bot=True), prefetch=True), Verdict.PREFETCH),
    ],
)
async def test_a_short_link_is_opened_without_token_site_or_bit(
    reader: Reader, verdict: Verdict
) -> None:
    log = MemoryLog()
    await recorder(log).opened(Platform.ANDROID, reader)
    assert log.events == [Event(HOUR, 0, "other|-|-|-|android|-|-|open|-", verdict)]


def test_delays_are_noted_of_valid_events_only() -> None:
    delays = Delays()
    judges = recorder(delays=delays)
    before = delays.mean_s(Kind.IMPRESSION)
    judges.judged(signed(issued_ms=0), [IMPRESSION], READER)
    judges.judged(signed(), [Deed(Kind.VIEW)], READER)
    assert delays.mean_s(Kind.IMPRESSION) == before
    judges.judged(signed(issued_ms=NOW_MS - 600_000), [IMPRESSION], READER)
    assert delays.mean_s(Kind.IMPRESSION) > before
