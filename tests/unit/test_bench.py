"""The benchmark's arithmetic, and that its traffic is what its figures claim."""

import json
from itertools import islice
from pathlib import Path
from statistics import mean

import pytest

from service.adapters.agents import AgentLists
from service.adapters.catalog import load_catalog
from service.adapters.redis_applier import RedisApplier
from service.adapters.redis_link import RedisLink
from service.domain.events import SHARDS, shard_of
from service.domain.targeting import TAG, compile_targeting
from service.domain.tokens import parse_token
from tests.bench.load import Driven, read_summary
from tests.bench.measured import Measured, Pair, together
from tests.bench.outage import Outage, Shipped
from tests.bench.processes import BenchError
from tests.bench.publisher import ARTICLES, publisher
from tests.bench.readers import browsers
from tests.bench.redis_side import RedisSide
from tests.bench.report import Goal, Results
from tests.bench.rounds import Rounds
from tests.bench.rows import REPEATED, decisions, scattered_events, tagged, whole_views
from tests.made import JOURNAL, SHARD, page, stored

SUMMARY = (
    'Running 3s test\n  9 requests in 3.00s\n\nsummary {"answered": 900, "micros": 3000000,'
    ' "p50_us": 1500, "p99_us": 9000, "status": %d, "connect": 0, "read": 0, "write": 0,'
    ' "timeout": 0}\n'
)


def measured(us: float, per_s: float = 1, p99_ms: float = 2) -> Measured:
    return Measured(us, per_s, p50_ms=1, p99_ms=p99_ms, answered=1)


def test_turns_are_put_together_by_their_answers() -> None:
    first, second = Measured(10, 300, 1, 4, answered=300), Measured(20, 100, 3, 6, answered=100)
    assert together([first, second]) == Measured(12.5, 200, 2, 5, answered=400)
    assert together([first]) is first


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
    assert Pair(measured(1, p99_ms=3), measured(1, p99_ms=2)).p99_ratio == 1.5


def test_an_outage_is_told_by_medians_of_its_rounds() -> None:
    def outage(seconds: float, beside: Driven) -> Outage:
        shipped = Shipped(100_000, seconds, cpu_s=0.6)
        return Outage(100_000, shipped, shipped, Driven(60_000, 3.0, 1.0, 2.0), beside)

    slow, usual = Driven(30_000, 3.0, 1.0, 8.0), Driven(45_000, 3.0, 1.0, 3.0)
    rounds = [outage(2.0, usual), outage(4.0, slow), outage(1.0, usual)]
    assert [(one.rate_ratio, one.p99_ratio) for one in rounds[:2]] == [(0.75, 1.5), (0.5, 4.0)]
    text = Results({}, None, None, rounds).text()
    assert "100000 events queued, shipped 50000 a second (6.0 µs of CPU each)" in text
    assert "0.75 × the rate without (15000 a second), 1.50 × the p99 (3.00 ms)" in text


def test_a_goal_is_met_on_its_bound() -> None:
    assert Goal("at least", 0.65, 0.65, at_least=True).met
    assert not Goal("at least", 0.649, 0.65, at_least=True).met
    assert Goal("at most", 1.3, 1.3).met
    assert str(Goal("at most", 1.4, 1.3)) == "FAIL  at most 1.40 ≤ 1.3"
    assert str(Goal("each", 0.051, 0.05)) == "FAIL  each 0.051 ≤ 0.05"


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


def test_scattered_events_are_for_every_shard(tmp_path: Path) -> None:
    made, shards = publisher(tmp_path), set()
    for request in islice(scattered_events(made, browsers()), SHARDS):
        token = parse_token(json.loads(request.partition(b"\r\n\r\n")[2])["token"]).token
        shards.add(shard_of(token.issuer, token.serial))
    assert len(shards) == SHARDS


async def test_what_the_script_asks_inside_is_no_round_trip(redis_url: str) -> None:
    side, link = RedisSide(redis_url), RedisLink(redis_url, timeout_s=5.0)
    applier = RedisApplier(link)
    await applier.apply(SHARD, JOURNAL, 0, stored(page(1)))
    before = side.round_trips()
    await applier.apply(SHARD, JOURNAL, 1, stored(page(2), page(3), after=1))
    await applier.marks(SHARD)
    await link.close()
    assert side.round_trips() - before == 2


def test_pages_of_the_crowded_service_have_thousands_of_combinations(tmp_path: Path) -> None:
    made, audience = publisher(tmp_path), browsers()
    asked = {
        request.partition(b"&section=")[2] for request in islice(tagged(made, audience), 9_000)
    }
    combinations = {one.partition(b" HTTP")[0] for one in asked}
    assert len(combinations) >= 5_000


@pytest.mark.parametrize("number", [10, 200])
def test_half_of_choosy_campaigns_may_show_on_a_page(number: int, tmp_path: Path) -> None:
    made, audience = publisher(tmp_path, number, choosy=True), browsers()
    campaigns = load_catalog(made.config)[0].campaigns
    targeting = compile_targeting([campaigns[f"bench-{n}"] for n in range(number)])
    eligible = []
    for request in islice(tagged(made, audience), 2_000):
        tags = tuple(request.decode().partition("&tags=")[2].partition(" HTTP")[0].split("%2C"))
        assert len(tags) == 6
        eligible.append(targeting.eligible({TAG: tags}).bit_count())
    assert min(eligible) > 0, "every page has something to show"
    assert mean(eligible) == pytest.approx(0.57 * number, rel=0.05)
