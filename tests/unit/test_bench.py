"""The benchmark's arithmetic, and that its traffic is what its figures claim."""

from itertools import islice
from pathlib import Path

import pytest

from service.adapters.agents import AgentLists
from service.adapters.catalog import load_catalog
from service.domain.targeting import TAG, compile_targeting
from tests.bench.load import read_summary
from tests.bench.processes import BenchError
from tests.bench.publisher import ARTICLES, publisher
from tests.bench.readers import browsers
from tests.bench.report import Goal
from tests.bench.rounds import Measured, Pair, Rounds
from tests.bench.rows import REPEATED, decisions, tagged, whole_views

SUMMARY = (
    'Running 3s test\n  9 requests in 3.00s\n\nsummary {"answered": 900, "micros": 3000000,'
    ' "p50_us": 1500, "p99_us": 9000, "status": %d, "connect": 0, "read": 0, "write": 0,'
    ' "timeout": 0}\n'
)


def measured(us: float, per_s: float = 1, p99_ms: float = 2) -> Measured:
    return Measured(us, per_s, p50_ms=1, p99_ms=p99_ms, answered=1)


def test_what_wrk_says_is_read() -> None:
    driven = read_summary(SUMMARY % 0)
    assert (driven.answered, driven.per_s) == (900, 300)
    assert (driven.p50_ms, driven.p99_ms) == (1.5, 9)


@pytest.mark.parametrize("output", [SUMMARY % 1, "unable to connect to 127.0.0.1:1", ""])
def test_one_bad_answer_or_none_at_all_ends_the_run(output: str) -> None:
    with pytest.raises(BenchError):
        read_summary(output)


def test_ratios_are_medians_of_pairs_and_not_ratios_of_medians() -> None:
    pairs = [
        Pair(measured(us=50), measured(us=40)),
        Pair(measured(us=100), measured(us=50)),
        Pair(measured(us=200), measured(us=140)),
    ]
    assert [pair.cpu_ratio for pair in pairs] == [0.8, 0.5, 0.7]
    assert Rounds({"decision": pairs}, []).cpu_ratio("decision") == 0.7
    assert Pair(measured(1, per_s=30), measured(1, per_s=40)).rate_ratio == 0.75
    assert Pair(measured(1, p99_ms=3), measured(1, p99_ms=2)).tail_ratio == 1.5


def test_a_goal_is_met_on_its_bound() -> None:
    assert Goal("at least", 0.65, 0.65, at_least=True).met
    assert not Goal("at least", 0.649, 0.65, at_least=True).met
    assert Goal("at most", 1.3, 1.3).met
    assert str(Goal("at most", 1.4, 1.3)) == "FAIL  at most 1.40 ≤ 1.3"


def test_five_hundred_browsers_are_what_they_say() -> None:
    second = iter(range(1_000_000))
    lists = AgentLists(lambda: float(next(second)))  # another second each: every one is looked up
    audience = browsers()
    assert len({browser.agent for browser in audience}) == len(audience) >= 500
    for browser in audience:
        agent = lists.identify(browser.agent, {})
        assert (agent.platform, agent.bot) == (browser.platform, False), browser.agent


def test_requests_ask_for_ten_thousand_articles_and_report_whole_views(tmp_path: Path) -> None:
    made, audience = publisher(tmp_path), browsers()
    asked = {request.split(b"&")[1] for request in islice(decisions(made, audience), REPEATED)}
    assert len(asked) == ARTICLES >= 10_000
    first, second = islice(whole_views(made, audience), 2)
    assert first.count(b'"kind"') == second.count(b'"kind"') == 20
    assert first.partition(b'"token":')[2][:99] != second.partition(b'"token":')[2][:99]


def test_pages_of_the_crowded_service_have_thousands_of_combinations(tmp_path: Path) -> None:
    made, audience = publisher(tmp_path), browsers()
    asked = {
        request.partition(b"&section=")[2] for request in islice(tagged(made, audience), 9_000)
    }
    combinations = {one.partition(b" HTTP")[0] for one in asked}
    assert len(combinations) >= 5_000


def test_half_of_many_campaigns_may_show_on_a_page(tmp_path: Path) -> None:
    made, audience = publisher(tmp_path, 200), browsers()
    targeting = compile_targeting(list(load_catalog(made.config)[0].campaigns.values())[:200])
    request = next(tagged(made, audience)).decode()
    tags = tuple(request.partition("&tags=")[2].partition(" HTTP")[0].split("%2C"))
    assert len(tags) == 6
    assert 80 < targeting.eligible({TAG: tags}).bit_count() < 150
