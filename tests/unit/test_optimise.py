"""What is learned of creatives: where, from what, how soon, and what a new catalogue leaves."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from service.domain.ads import Campaign
from service.domain.index import Index
from service.domain.learning import LEAST_SHARE, NEWCOMER_FLOOR
from service.flows import optimise
from service.flows.optimise import Optimiser
from service.flows.tallies import Tallies
from tests.example import HOUR, NOW_MS, campaign, catalog, creative
from tests.fakes import StandingClock
from tests.planning import Counts, plan

THREE = campaign(
    "c", creative("a", "top", "bottom"), creative("b", "top", "bottom"), creative("z", "top")
)
TOP = ("c", "top", "ios")


class World:
    """Counts, their tallies and an optimiser of some campaigns."""

    def __init__(self, *some: Campaign) -> None:
        self.clock, self.counts = StandingClock(NOW_MS), Counts()
        self.tallies = Tallies(self.counts, self.clock)
        self.index = plan(catalog(*some)).index
        self.optimiser = Optimiser()

    async def learn(self) -> dict[tuple[str, str, str], list[float]]:
        """Read the counts and return the shares."""
        self.clock.now += 1_000
        await self.tallies.refresh({})
        found = self.optimiser.shares(self.index, self.tallies)
        return {key: list(shares) for key, shares in found.items()}

    def adopt(self, *some: Campaign) -> None:
        self.index = plan(catalog(*some)).index


@pytest.fixture
def world() -> World:
    world = World(THREE)
    for name, clicks in (("a", 200), ("b", 200), ("z", 400)):
        world.counts.teach(HOUR - 20, name, 20_000, clicks)
    return world


async def test_the_best_has_nearly_all_and_the_others_their_least(world: World) -> None:
    a, b, z = (await world.learn())[TOP]
    assert a == pytest.approx(LEAST_SHARE / 3, abs=1e-4) == pytest.approx(b, abs=1e-4)
    assert z == pytest.approx(1.0 - 2 * LEAST_SHARE / 3, abs=1e-3)


async def test_a_newcomer_has_half_an_even_share_until_it_was_seen_enough(world: World) -> None:
    world.counts.hours[HOUR - 20] = {}
    world.counts.teach(HOUR, "a", 9_000, 90)
    world.counts.teach(HOUR, "z", 9_000, 300)
    assert (await world.learn())[TOP][1] >= NEWCOMER_FLOOR / 3
    world.counts.teach(HOUR, "b", 9_000, 90)
    assert (await world.learn())[TOP][1] < NEWCOMER_FLOOR / 3


async def test_only_valid_views_and_clicks_of_what_was_shown_first_teach(world: World) -> None:
    before = await world.learn()
    for arm, kind in (
        ("hold", "viewable"), ("hold", "click"), ("runner-up", "viewable"), ("runner-up", "click"),
        ("-", "impression"), ("-", "dismiss"),
    ):  # fmt: skip
        world.counts.add(HOUR, f"a|top|ios|{arm}|{kind}", 10**6)
    assert await world.learn() == before
    world.counts.add(HOUR, "a|top|ios|guard|viewable", 20_000)
    world.counts.add(HOUR, "a|top|ios|guard|click", 4_000)
    assert (await world.learn())[TOP][0] > 0.9, "the guard's readers teach too"


async def test_each_place_learns_its_own_and_leans_on_the_others(world: World) -> None:
    world.counts.teach(HOUR, "a", 20_000, 1_000, "top|android")
    world.counts.teach(HOUR, "z", 10, 0, "top|desktop")
    found = await world.learn()
    assert found[TOP][2] > 0.9
    assert found["c", "top", "android"][0] > 0.9
    assert found["c", "top", "desktop"][0] > 0.8, "with next to nothing of its own"
    assert ("c", "bottom", "ios") not in found, "nothing was seen there"


async def test_where_one_creative_fits_and_where_nobody_optimises_nothing_is_learned() -> None:
    alone = campaign("alone", creative("one", "top"), creative("two", "bottom"))
    fixed = campaign("fixed", creative("x"), creative("y"), optimise=False)
    world = World(alone, fixed, campaign("single", creative("only")))
    for name in ("one", "x", "y", "only", "unknown"):
        world.counts.teach(HOUR, name, 9_000, 90)
    assert await world.learn() == {}


async def test_shares_change_only_when_evidence_has_grown_enough(world: World) -> None:
    first = await world.learn()
    kept = world.optimiser.shares(world.index, world.tallies)
    world.counts.teach(HOUR, "a", 500, 5)
    assert await world.learn() == first
    assert world.optimiser.shares(world.index, world.tallies)[TOP] is kept[TOP]
    world.counts.teach(HOUR, "a", 20_000, 900)
    assert await world.learn() != first
    assert list(kept[TOP]) == first[TOP], "plans in use keep theirs"


async def test_many_places_have_their_turn_one_plan_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(optimise, "WEIGHED_MAX", 3)
    some = [campaign(f"c-{n}", creative(f"a-{n}"), creative(f"b-{n}")) for n in range(8)]
    world = World(*some)
    for n in range(8):
        world.counts.teach(HOUR - 20, f"a-{n}", 9_000, 90)
    assert [len(await world.learn()) for _ in range(4)] == [3, 6, 8, 8]


@pytest.mark.parametrize(
    "changed", [lambda one: one, lambda one: replace(one, weight=2.0)], ids=["equal", "changed"]
)
async def test_a_new_catalogue_is_weighed_at_once_from_closed_hours_too(
    world: World, changed: Callable[[Campaign], Campaign]
) -> None:
    before = await world.learn()
    world.adopt(changed(THREE))
    assert await world.learn() == before
    assert await world.learn() == before


async def test_a_new_creative_joins_and_a_removed_one_is_forgotten(world: World) -> None:
    await world.learn()
    world.adopt(replace(THREE, creatives=(*THREE.creatives, creative("new", "top"))))
    shares = (await world.learn())[TOP]
    assert len(shares) == 4
    assert shares[3] >= NEWCOMER_FLOOR / 4
    world.adopt(replace(THREE, creatives=THREE.creatives[:2]))
    assert (await world.learn())[TOP] == pytest.approx([0.5, 0.5])
    world.adopt(campaign("other"))
    assert await world.learn() == {}


def test_an_index_is_another_one_for_each_catalogue_taken_up() -> None:
    one, other = plan(catalog(THREE)).index, plan(catalog(THREE)).index
    assert isinstance(one, Index)
    assert one is not other
