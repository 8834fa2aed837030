"""The figures at a glance add up: what is gross, what is net, and what the loop brings back."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.buckets import Bucket
from service.domain.events import REFUSED, Kind, Verdict
from service.domain.folding import Key, utc_month
from service.domain.overview import (
    ArticleLine,
    Figures,
    Ledger,
    NetworkLine,
    Overview,
    article_lines,
    figures,
    ledger,
    named,
    network_lines,
    total_of,
)
from service.domain.rates import Rate

WORDS = st.sampled_from(["a", "b", "other", "-"])
counts = st.integers(1, 1_000)
ledgers = st.dictionaries(
    st.tuples(WORDS, st.sampled_from([*Verdict, REFUSED]), st.sampled_from(["-", "hold", "a"])),
    counts,
)


def test_kinds_become_figures_with_the_most_used_first() -> None:
    sums: dict[Key, int] = {
        ("bottom", "view"): 1,
        ("top", "view"): 5,
        ("top", "impression"): 4,
        ("top", "viewable"): 3,
        ("top", "click"): 2,
        ("top", "share"): 1,
        ("top", "dismiss"): 9,
    }
    found = figures(sums)
    assert list(found.items()) == [("top", Figures(5, 4, 3, 2, 1)), ("bottom", Figures(1))]


def test_rates_are_what_a_publisher_is_judged_by() -> None:
    one = Figures(views=1_000, impressions=200, viewable=100, clicks=2, shares=5)
    rates = (one.viewability, one.click_through, one.sharing)
    assert [rate.value for rate in rates] == [50.0, 2.0, 5.0]
    assert NetworkLine("reddit", 4, 10).returned == Rate(10, 4, 1)
    assert Figures().click_through.value is None


@given(st.dictionaries(st.tuples(WORDS, st.sampled_from([str(kind) for kind in Kind])), counts))
def test_the_total_is_the_sum_of_its_parts(sums: Mapping[Key, int]) -> None:
    total = total_of(figures(sums).values())
    assert total.views == sum(n for (_, kind), n in sums.items() if kind == "view")
    assert total.shares == sum(n for (_, kind), n in sums.items() if kind == "share")


def test_a_table_holds_names_in_use_only() -> None:
    found: dict[str | int, Figures] = {"a": Figures(1), "-": Figures(2), "b": Figures()}
    assert named(found) == {"a": Figures(1)}
    assert named(found, unused=True) == {"a": Figures(1), "-": Figures(2)}


def test_a_network_line_joins_shares_with_the_visits_they_brought() -> None:
    shares = {"reddit": Figures(shares=3), "twitter": Figures(shares=3), "x": Figures(clicks=1)}
    sources = {"twitter": Figures(views=7), "facebook": Figures(views=1), "-": Figures(views=99)}
    assert network_lines(shares, sources) == (
        NetworkLine("twitter", 3, 7),
        NetworkLine("reddit", 3, 0),
        NetworkLine("facebook", 0, 1),
    )


@given(ledgers, st.sampled_from([None, "a"]))
def test_gross_is_the_sum_of_net_and_every_reason(
    verdicts: Mapping[Key, int], site: str | None
) -> None:
    made = ledger(verdicts, site)
    mine = {key: n for key, n in verdicts.items() if site is None or key[0] == site}
    assert made.gross == sum(mine.values()) == made.net + sum(made.reasons.values())
    assert made.net == sum(n for key, n in mine.items() if key[1] == Verdict.VALID)
    assert made.held == sum(n for key, n in mine.items() if key[1:] == (Verdict.VALID, "hold"))
    assert Verdict.VALID not in made.reasons
    assert len(made.reasons) == len(Verdict)


def test_a_sites_ledger_tells_beside_it_what_names_no_site() -> None:
    verdicts: dict[Key, int] = {
        ("a", "valid", "-"): 1,
        ("other", "forged", "-"): 2,
        ("other", "forged", "a"): 3,
        ("other", "valid", "-"): 4,
        ("b", "bot", "-"): 5,
    }
    made = ledger(verdicts, "a")
    assert (made.gross, made.net, made.nameless) == (1, 1, {"forged": 5})
    assert ledger(verdicts, None).nameless == {}


def test_an_articles_line_tells_how_many_came_through_shares() -> None:
    sums: dict[Key, int] = {
        ("aa", "-", "view"): 5,
        ("aa", "reddit", "view"): 2,
        ("aa", "reddit", "click"): 1,
        ("bb", "twitter", "view"): 9,
        ("cc", "-", "dismiss"): 1,
    }
    assert article_lines(sums) == [
        ArticleLine("bb", None, Figures(views=9), 9),
        ArticleLine("aa", None, Figures(views=7, clicks=1), 2),
    ]


def test_shared_visits_are_the_views_of_all_sources_but_direct_ones() -> None:
    sources = {"-": Figures(views=5), "reddit": Figures(views=2), "other": Figures(views=1)}
    made = Overview(Figures(), {}, {}, {}, sources, (), Ledger(0, 0, 0, {}, {}))
    assert made.shared_visits == 3


@pytest.mark.parametrize(
    ("hour", "month"), [(0, (1970, 1)), (31 * 24 - 1, (1970, 1)), (31 * 24, (1970, 2))]
)
def test_names_are_kept_by_utc_month(hour: int, month: tuple[int, int]) -> None:
    assert utc_month(Bucket("hour", hour)) == month
