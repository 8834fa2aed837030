"""Whatever changes, what a reload takes over is what would be made anew from the same files."""

from dataclasses import replace
from random import Random

import pytest

from service.domain.ads import Campaign, Cap, Tier
from service.domain.audience import Platform
from service.domain.choosing import Pool
from service.domain.plans import Plan
from service.domain.tokens import Arm
from tests.example import campaign, catalog, creative
from tests.planning import plan, planner

PLACES = ("top", "bottom")
STEPS, SEEDS = 20, 10


def _made(name: str, chance: Random) -> Campaign:
    some = [
        replace(
            creative(f"{name}-{letter}", *chance.sample(PLACES, chance.randint(1, 2))),
            arms=chance.choice([None, None, frozenset({"a"})]),
        )
        for letter in "xy"[: chance.randint(1, 2)]
    ]
    return campaign(name, *some)


def _changed(one: Campaign, chance: Random) -> Campaign:
    first, *rest = one.creatives
    return chance.choice(
        [
            replace(one, creatives=(replace(first, headline=str(chance.random())), *rest)),
            replace(one, weight=chance.choice([1.0, 2.0, 5.0])),
            replace(one, tier=chance.choice(list(Tier))),
            replace(one, target=chance.choice([{}, {"platform": frozenset({"ios"})}])),
            replace(one, exclude=chance.choice([{}, {"tag": frozenset({"sad"})}])),
            replace(one, cap=chance.choice([None, Cap(3, 24)])),
            replace(one, competes=chance.choice([frozenset(), frozenset({"cars"})])),
            replace(one, paused=not one.paused),
            replace(one, exclusive=not one.exclusive),
            _made(one.id, chance),
        ]
    )


def _told(plan: Plan) -> object:
    """Return all that decisions ask of a plan."""
    index, places = plan.index, [(p, f, a) for p in PLACES for f in Platform for a in Arm]
    spots = [(placement, platform, "de", arm) for placement, platform, arm in places]
    return (
        index.campaigns, index.numbers, index.targeting, index.rivals, index.barred, index.caps,
        index.asks_country, index.origins, plan.live,
        [(rank.mask, rank.weights, list(rank.numbers)) for rank in plan.ranks],
        [[(mask, rank.mask) for rank, mask in plan.spot(*place).reach] for place in spots],
        [_choices(plan.spot(*place).whole) for place in spots],
        [_choices(plan.pool(n, place)) for place in places for n in range(len(index))],
    )  # fmt: skip


def _choices(pool: Pool | None) -> object:
    if pool is None:
        return None
    choices = [(one.campaign, one.creative, one.code, one.propensity) for one in pool.choices]
    return choices, pool.cumulative


def _next(some: list[Campaign], step: int, chance: Random) -> None:
    kind = chance.choice(["change"] * 6 + ["add", "remove", "order"])
    if kind == "change":
        for at in chance.sample(range(len(some)), min(len(some), chance.randint(0, 2))):
            some[at] = _changed(some[at], chance)
    elif kind == "add":
        some.append(_made(f"n{step}", chance))
    elif kind == "remove" and len(some) > 1:
        some.pop(chance.randrange(len(some)))
    else:
        chance.shuffle(some)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_after_any_changes_a_plan_is_as_if_made_anew(seed: int) -> None:
    chance = Random(seed)
    some = [_made(f"c{number}", chance) for number in range(5)]
    kept = planner(catalog(*some))
    for step in range(STEPS):
        _told(kept.plan)  # makes what is made on first use
        _next(some, step, chance)
        await kept.adopt(catalog(*some))
        fresh = plan(catalog(*some))
        assert _told(kept.plan) == _told(fresh), (seed, step)
        known = kept.plan.codebook.creatives  # which forgets nobody
        assert {code: known[code] for code in fresh.codebook.creatives} == fresh.codebook.creatives


def test_in_an_arm_of_its_own_a_campaign_has_its_creatives() -> None:
    mine = replace(creative("x", "top"), arms=frozenset({"a"}))
    found = plan(catalog(campaign("c", mine), campaign("d")))
    for arm, shown in ((Arm.A, ["x", "d"]), (Arm.B, ["d"]), (Arm.NONE, ["d"])):
        whole = found.spot("top", Platform.IOS, "de", arm).whole
        assert whole is not None
        assert [choice.creative.id for choice in whole.choices] == shown
