"""Queries and folds: every rule of a report's parameters, and that no count is made or lost."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.buckets import Bucket, article_days, buckets
from service.domain.catalog import Catalog
from service.domain.errors import BadInput, UnknownSite
from service.domain.folding import ROWS_MAX, Fold, article_fold
from service.domain.reporting import DIMENSIONS, Query, parse_query
from service.domain.sites import Site

NOW = datetime(2026, 11, 24, 13, 20, 5, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1_000)


def _site(identifier: str, timezone: str) -> Site:
    return Site(
        identifier, identifier, frozenset(), (), (), (), "https://news.example/apps",
        timezone=timezone,
    )  # fmt: skip


CATALOG = Catalog(
    {"example": _site("example", "UTC"), "berlin": _site("berlin", "Europe/Berlin")},
    {}, {}, {}, "v",
)  # fmt: skip


def _hour(*at: int) -> int:
    return int(datetime(*at, tzinfo=UTC).timestamp()) // 3_600  # type: ignore[misc,arg-type]  # at: year to hour


def _query(**given: str) -> Query:
    named = {name.removesuffix("_"): value for name, value in given.items()}
    return parse_query(named, CATALOG, NOW_MS)


def test_defaults_are_today_until_now_by_kind_in_utc() -> None:
    query = _query()
    assert (query.site, query.tz, query.by) == (None, "UTC", ("kind",))
    assert query.starts.isoformat() == "2026-11-24T00:00:00+00:00"
    assert query.ends.isoformat() == "2026-11-24T13:20:05+00:00"
    assert query.end == _hour(2026, 11, 24, 14)


def test_a_site_brings_its_zone_and_blanks_are_defaults() -> None:
    query = _query(site="berlin", from_="", to="", tz="", by="")
    assert query.tz == "Europe/Berlin"
    assert query.starts.isoformat() == "2026-11-24T00:00:00+01:00"
    assert query.start == _hour(2026, 11, 23, 23)


def test_article_defaults_to_utc_days_even_for_a_site_elsewhere() -> None:
    assert _query(site="berlin", by="article").tz == "UTC"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23", "2026-11-23T00:00:00+00:00"),
        ("2026-11-23T05:00", "2026-11-23T05:00:00+00:00"),
        ("2026-11-23T05:00:00Z", "2026-11-23T05:00:00+00:00"),
        ("2026-11-23T05:00:00+02:00", "2026-11-23T03:00:00+00:00"),
        ("2026-11-23T05:00:00 02:00", "2026-11-23T03:00:00+00:00"),
        ("2026-11-23T05:40:00.25Z", "2026-11-23T05:00:00+00:00"),
    ],
)
def test_times_are_read_and_widened_to_hours(text: str, expected: str) -> None:
    assert _query(from_=text).starts.isoformat() == expected


def test_an_end_within_an_hour_takes_the_whole_hour() -> None:
    query = _query(from_="2026-11-24", to="2026-11-24T05:01:00Z")
    assert (query.end, query.ends.hour) == (_hour(2026, 11, 24, 6), 6)


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"from": "0000-01-01"}, "from"),
        ({"from": "0001-01-01", "tz": "Pacific/Auckland"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "9999-12-31T23:00:00-12:00"}, "to"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"from": "20261124"}, "from"),
        ({"from": "2026-W48-2"}, "from"),
        ({"from": "２026-11-24"}, "from"),
        ({"from": "2026-11-24\n"}, "from"),
        ({"from": "2026-11-24", "to": "2026-11-24"}, "from"),
        ({"from": "2026-11-25"}, "from"),
        ({"from": "2026-11-24", "to": "2026-11-20"}, "from"),
        ({"from": "2026-01-01", "to": "2027-03-01"}, "from"),
        ({"from": "2020-01-01", "to": "2020-01-02"}, "from"),
        ({"tz": "Mars/Olympus"}, "tz"),
        ({"tz": "../../etc/passwd"}, "tz"),
        ({"tz": "Europe"}, "tz"),
        ({"tz": "A" * 500}, "tz"),
        ({"tz": "Asia/Kolkata"}, "tz"),
        ({"tz": "Australia/Lord_Howe", "from": "2026-09-01", "to": "2026-11-01"}, "tz"),
        ({"by": "kind,kind"}, "by"),
        ({"by": "kind,"}, "by"),
        ({"by": "colour"}, "by"),
        ({"by": "article,placement"}, "by"),
        ({"by": "article,hour"}, "by"),
        ({"by": "article,verdict"}, "by"),
        ({"by": "article", "tz": "Europe/Berlin"}, "tz"),
        ({"by": "article", "from": "2026-11-20T05:00:00Z"}, "from"),
        ({"by": "article", "from": "2026-11-20", "to": "2026-11-21T05:00:00Z"}, "to"),
        ({"by": "hour", "from": "2026-08-01"}, "by"),
        ({"by": "day", "from": "2026-08-01", "tz": "Europe/Berlin"}, "tz"),
        ({"from": "2026-08-01", "tz": "Europe/Berlin"}, "from"),
        ({"from": "2026-08-01", "to": "2026-08-03T05:00:00Z"}, "to"),
    ],
)
def test_what_cannot_be_answered_exactly_names_the_parameter(
    given_: Mapping[str, str], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        parse_query(given_, CATALOG, NOW_MS)
    assert caught.value.field == field
    assert not any(value in caught.value.message for value in given_.values() if len(value) > 8)


def test_an_unknown_site_is_its_own_error() -> None:
    with pytest.raises(UnknownSite):
        _query(site="nowhere")


def test_each_dimension_alone_is_allowed() -> None:
    assert [_query(by=name).by for name in DIMENSIONS] == [(name,) for name in DIMENSIONS]


def test_the_hundredth_day_still_has_hours() -> None:
    assert _query(by="hour", from_="2026-08-17").start == _hour(2026, 8, 17)
    with pytest.raises(BadInput):
        _query(by="hour", from_="2026-08-16")


def test_old_ranges_read_days_and_the_open_tail_reads_today_whole() -> None:
    read = buckets(_query(from_="2026-01-01"))
    assert {bucket.grain for bucket in read} == {"day"}
    assert (read[0].hour, read[-1].hour) == (_hour(2026, 1, 1), _hour(2026, 11, 24))


def test_hours_are_read_where_days_would_count_too_much() -> None:
    read = buckets(_query(from_="2026-11-22T22:00:00Z", to="2026-11-24T02:00:00Z"))
    assert read == (
        Bucket("hour", _hour(2026, 11, 22, 22)), Bucket("hour", _hour(2026, 11, 22, 23)),
        Bucket("day", _hour(2026, 11, 23)),
        Bucket("hour", _hour(2026, 11, 24, 0)), Bucket("hour", _hour(2026, 11, 24, 1)),
    )  # fmt: skip


def test_local_days_are_read_by_hour_and_the_future_not_at_all() -> None:
    read = buckets(_query(site="berlin", by="day", to="2026-12-20"))
    assert read[0] == Bucket("hour", _hour(2026, 11, 23, 23))
    assert read[-1] == Bucket("hour", _hour(2026, 11, 24, 23))
    assert buckets(_query(from_="2026-12-01", to="2026-12-02")) == ()


def test_article_days_are_those_touched() -> None:
    days = article_days(_query(site="berlin"))
    assert days == (Bucket("day", _hour(2026, 11, 23)), Bucket("day", _hour(2026, 11, 24)))


FIELD = "example|top|vital-signs|vs-text|ios|-|-|{kind}|-|{verdict}"
VALID = FIELD.format(kind="impression", verdict="valid")
BOT = FIELD.format(kind="impression", verdict="bot")
HELD = "example|top|-|-|ios|-|hold|impression|-|valid"
OTHER = "berlin|top|vital-signs|vs-text|ios|reddit|-|view|-|valid"
REFUSED = "other|-|-|-|-|-|-|view|-|refused"
COUNTS = {VALID: 5, BOT: 3, HELD: 2, OTHER: 7, REFUSED: 11}
THIS_HOUR = Bucket("hour", _hour(2026, 11, 24, 13))


def _rows(query: Query, *hashes: tuple[Bucket, Mapping[str, int]]) -> list[dict[str, str | int]]:
    fold = article_fold(query) if "article" in query.by else Fold(query, query.by)
    for bucket, counts in hashes:
        fold.add(bucket, counts)
    return fold.rows()


def test_rows_count_valid_shown_events_unless_verdict_or_arm_is_asked_for() -> None:
    net = [{"kind": "impression", "count": 5}, {"kind": "view", "count": 7}]
    assert _rows(_query(), (THIS_HOUR, COUNTS)) == net
    by_verdict = {
        row["verdict"]: row["count"] for row in _rows(_query(by="verdict"), (THIS_HOUR, COUNTS))
    }
    assert by_verdict == {"valid": 14, "bot": 3, "refused": 11}
    by_arm = {row["arm"]: row["count"] for row in _rows(_query(by="arm"), (THIS_HOUR, COUNTS))}
    assert by_arm == {"-": 26, "hold": 2}


def test_a_site_hides_the_others() -> None:
    assert _rows(_query(site="example"), (THIS_HOUR, COUNTS)) == [
        {"kind": "impression", "count": 5}
    ]


def test_keys_keep_the_order_asked_for_and_rows_are_sorted() -> None:
    rows = _rows(_query(by="kind,hour,site"), (THIS_HOUR, COUNTS), (THIS_HOUR, COUNTS))
    assert [list(row.items()) for row in rows] == [
        [
            ("kind", "impression"),
            ("hour", "2026-11-24T13:00:00+00:00"),
            ("site", "example"),
            ("count", 10),
        ],
        [
            ("kind", "view"),
            ("hour", "2026-11-24T13:00:00+00:00"),
            ("site", "berlin"),
            ("count", 14),
        ],
    ]


def test_the_hour_a_clock_repeats_stays_two_rows_in_order() -> None:
    first, second = Bucket("hour", _hour(2026, 10, 25, 0)), Bucket("hour", _hour(2026, 10, 25, 1))
    query = _query(site="berlin", by="hour", from_="2026-10-25", to="2026-10-26")
    rows = _rows(query, (second, {OTHER: 2}), (first, {OTHER: 1}))
    assert rows == [
        {"hour": "2026-10-25T02:00:00+02:00", "count": 1},
        {"hour": "2026-10-25T02:00:00+01:00", "count": 2},
    ]


def test_article_rows_are_folded_from_their_own_fields() -> None:
    today = Bucket("day", _hour(2026, 11, 24))
    counts = {"example|00ff|-|view|-": 4, "example|00ff|reddit|view|-": 1, "berlin|aa|-|share|x": 9}
    rows = _rows(_query(site="example", by="article,day"), (today, counts))
    assert rows == [{"article": "00ff", "day": "2026-11-24", "count": 5}]


def test_fields_of_another_shape_are_left_alone() -> None:
    assert _rows(_query(), (THIS_HOUR, {"example|impression": 4, VALID: 1})) == [
        {"kind": "impression", "count": 1}
    ]


def test_more_rows_than_an_answer_may_have_are_refused() -> None:
    query = _query(by="article")
    counts = {f"example|{number:x}|-|view|-": 1 for number in range(ROWS_MAX + 1)}
    with pytest.raises(BadInput, match="by"):
        _rows(query, (Bucket("day", _hour(2026, 11, 24)), counts))


@given(
    st.lists(st.tuples(st.integers(0, 24 * 9 - 1), st.integers(1, 9)), max_size=40),
    st.integers(0, 24 * 8), st.integers(1, 24 * 8),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from(["kind", "day", "hour", "day,kind"]),
)  # fmt: skip
def test_hours_and_days_agree_on_any_range(
    events: list[tuple[int, int]], offset: int, length: int, tz: str, by: str
) -> None:
    """What a naive sum over the events says, the fold over the chosen hashes says."""
    base = _hour(2026, 10, 22)  # across the end of Europe's summer time
    stored: dict[Bucket, dict[str, int]] = {}
    for hour, count in events:
        at = base + hour
        for bucket in (Bucket("hour", at), Bucket("day", at // 24 * 24)):
            counts = stored.setdefault(bucket, {})
            counts[VALID] = counts.get(VALID, 0) + count
    start = datetime.fromtimestamp((base + offset) * 3_600, UTC)
    end = start + timedelta(hours=length)
    query = _query(from_=start.isoformat(), to=end.isoformat(), tz=tz, by=by)
    rows = _rows(query, *((bucket, stored.get(bucket, {})) for bucket in buckets(query)))
    wanted = [(base + hour, count) for hour, count in events if offset <= hour < offset + length]
    assert sum(int(row["count"]) for row in rows) == sum(count for _, count in wanted)
    if "day" in by:
        local: dict[str, int] = {}
        for hour, count in wanted:
            day = datetime.fromtimestamp(hour * 3_600, ZoneInfo(tz)).date().isoformat()
            local[day] = local.get(day, 0) + count
        assert {str(row["day"]): row["count"] for row in rows} == local
