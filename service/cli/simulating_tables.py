"""What a simulation says in words and figures: tables of a week each; computes no delivery."""

from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from service.flows.goals import Delivery, Held
from service.flows.simulated import Outcome, World

_WEEK, _DAY_HOURS = 7, 24
_NAME_CHARS = 26  # at least: the words beside a goal


def tables(
    world: World, outcome: Outcome, found: Sequence[Delivery], left_out: Mapping[str, str]
) -> Iterator[str]:
    """Yield the lines: who delivers nothing and why, delivery against goal by day, regret."""
    yield (
        f"{world.views:,} synthetic page views of {world.site.id} in {world.days} days"
        f" from {day_of(world, 0)}, seed {world.seed}"
    )
    for campaign, why in left_out.items():
        yield f"{campaign} delivers nothing: {why}"
    for first in range(0, world.days, _WEEK):
        yield from _week(world, found, range(first, min(first + _WEEK, world.days)))
    yield from _regrets(world, outcome, left_out)


def day_of(world: World, day: int) -> str:
    """Return a day of the run as people write it."""
    start = datetime.fromtimestamp(world.start_hour * 3_600, UTC)
    return f"{start + timedelta(days=day):%Y-%m-%d}"


def _week(world: World, found: Sequence[Delivery], days: range) -> Iterator[str]:
    width = max([_NAME_CHARS, *(len(_name(one)) for one in found)])
    yield ""
    yield _row(width, "delivered by day", [f"{day + 1}" for day in days], "so far")
    for one in found:
        counts = [sum(one.hours[day * _DAY_HOURS : (day + 1) * _DAY_HOURS]) for day in days]
        so_far = sum(one.hours[: days.stop * _DAY_HOURS])
        yield _row(width, _name(one), [f"{count:,}" for count in counts], f"{so_far:,}")
        for held in one.held:
            yield from _against(width, held, days)


def _against(width: int, held: Held, days: range) -> Iterator[str]:
    """Yield what a flight had delivered, and what was due, by the end of each of its days.

    Of the day after its last one too: something may have arrived late.
    """
    flown = range(held.hours.start // _DAY_HOURS, held.hours.stop // _DAY_HOURS + 1)
    ends = [(day + 1) * _DAY_HOURS - 1 if day in flown else None for day in days]
    last = max((end for end in ends if end is not None), default=None)
    if last is None:
        return
    delivered = ["" if end is None else f"{held.delivered[end]:,}" for end in ends]
    due = ["" if end is None else f"{held.due[end]:,.0f}" for end in ends]
    share = f"{held.delivered[last] / held.due[last]:.1%}" if held.due[last] else ""
    yield _row(
        width, f"  of {held.goal.total:,}: delivered", delivered, f"{held.delivered[last]:,}"
    )
    yield _row(width, "  due by then", due, share)


def _regrets(world: World, outcome: Outcome, left_out: Container[str]) -> Iterator[str]:
    """Yield what not knowing the best creative cost, of those that had to be chosen between."""
    for campaign in world.catalog.campaigns.values():
        alike: dict[object, list[str]] = {}
        for one in campaign.creatives if campaign.id not in left_out else ():
            alike.setdefault((frozenset(one.placements), one.arms), []).append(one.id)
        for ids in alike.values():
            if len(ids) > 1:
                yield from _regret(campaign.id, ids, world.rates, outcome)


def _regret(
    campaign: str, ids: Sequence[str], rates: Mapping[str, float], outcome: Outcome
) -> Iterator[str]:
    regret, even = outcome.regret(ids, rates)
    share = f" ({regret / even:.0%} of that)" if even else ""
    yield ""
    yield f"{campaign}: true click rates {', '.join(f'{name} {rates[name]:.2%}' for name in ids)}"
    yield (
        f"{campaign}: clicks missed against always the best {regret:,.0f};"
        f" an even split would have missed {even:,.0f}{share}"
    )


def _name(one: Delivery) -> str:
    return f"{one.campaign} {one.unit}"


def _row(width: int, name: str, days: Sequence[str], last: str) -> str:
    return (f"{name:{width}}" + "".join(f"{text:>11}" for text in days) + f"{last:>13}").rstrip()
