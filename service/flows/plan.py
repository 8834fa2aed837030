"""Compiles the catalogue and what was delivered into plans, off the request path; answers nobody.

The work is done in a thread that rests between slices, so that requests hardly wait for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.domain.ads import Campaign, Flight
from service.domain.catalog import Catalog
from service.domain.choosing import ranks_of
from service.domain.codes import Codebook
from service.domain.errors import CountsUnavailable
from service.domain.events import HOUR_MS
from service.domain.index import Index, changed_among, index_after, index_of
from service.domain.plans import Plan
from service.domain.targeting import compile_targeting, mask_of
from service.domain.times import fits_hour
from service.flows.lasting import lasting
from service.flows.optimise import Optimiser
from service.flows.pace import Budgets
from service.flows.ports import Clock
from service.flows.tallies import Tallies
from service.flows.tally import Since
from service.flows.unhurried import unhurried

PlanSource = Callable[[], Plan]


@dataclass(frozen=True, slots=True)
class _Running:
    """What catalogue and hour determine: who runs, and since when budgets count."""

    index: Index
    hour: int
    mask: int
    flights: tuple[tuple[int, Campaign, Flight], ...]
    since: Since


class Planner:
    """Holds the current plan and renews it; a catalogue is taken whole or not at all."""

    def __init__(self, catalog: Catalog, clock: Clock, tallies: Tallies, budgets: Budgets) -> None:
        self._clock = clock
        self._tallies = tallies
        self._budgets = budgets
        self._optimiser = Optimiser()
        self._turn = asyncio.Lock()
        index = _index(catalog, Codebook())
        self._running = _running(index, clock() // HOUR_MS)
        self.plan = self._compile(index, None)

    async def renew(self) -> bool:
        """Make the plan current; return whether the counts could be read.

        Without them paces stay as they are for a while, and budgets end at their remainder.
        """
        async with self._turn:
            try:
                await self._tallies.refresh(self._running.since)
                fresh = True
            except CountsUnavailable:
                fresh = False
            self.plan = await asyncio.to_thread(self._compile, self.plan.index, self.plan)
            return fresh

    async def adopt(self, catalog: Catalog) -> None:
        """Put a new catalogue to work; codes of the old one stay known."""
        async with self._turn:
            with lasting():
                last = self.plan
                index, changed = await asyncio.to_thread(_next_index, catalog, last.index)
                known = None if changed is None else last
                self.plan = await asyncio.to_thread(self._compile, index, known, changed or ())
                await asyncio.to_thread(self._budgets.forget_others, index.campaigns)

    def _compile(self, index: Index, last: Plan | None, changed: Sequence[int] = ()) -> Plan:
        """Return the plan of an index; what `last` knows stays, but for campaigns that changed."""
        now_ms = self._clock()
        hour = now_ms // HOUR_MS
        if self._running.index is not index or self._running.hour != hour:
            self._running = _running(index, hour)
        running = self._running
        eager = self._budgets.paces(running.flights, self._tallies, now_ms)
        live = running.mask & ~mask_of((n for n, pace in eager.items() if not pace), len(index))
        shares = self._optimiser.shares(index, self._tallies)
        holding = mask_of((n for n, pace in eager.items() if pace < 1.0), len(index))
        if last is None:
            ranks = ranks_of(index.campaigns, live, unhurried)
            return Plan(index, hour, now_ms, live, ranks, eager, holding, shares)
        # Pools are made on first use, and kept while their shares are; spots hold some of them.
        ranked = last.live == live and all(
            _ranked(last.index.campaigns[n]) == _ranked(index.campaigns[n]) for n in changed
        )
        ranks = last.ranks if ranked else ranks_of(index.campaigns, live, unhurried)
        pools = last.pools
        if changed or last.shares is not shares:
            pools = last.pools_without(shares, changed)
        same = pools is last.pools and ranks is last.ranks and last.holding == holding
        spots = last.spots if same else {}
        return Plan(index, hour, now_ms, live, ranks, eager, holding, shares, pools, spots)


def _index(catalog: Catalog, codebook: Codebook) -> Index:
    targeting = compile_targeting(tuple(catalog.campaigns.values()), unhurried)
    return index_of(catalog, codebook.learned(catalog), targeting)


def _next_index(catalog: Catalog, last: Index) -> tuple[Index, Sequence[int] | None]:
    """Return the catalogue's index and which campaigns changed, None where all is made anew."""
    changed = changed_among(last.campaigns, tuple(catalog.campaigns.values()))
    index = None if changed is None else index_after(last, catalog, changed)
    return (_index(catalog, last.codebook), None) if index is None else (index, changed)


def _ranked(campaign: Campaign) -> tuple[object, ...]:
    return campaign.tier, campaign.exclusive, campaign.weight


def _running(index: Index, hour: int) -> _Running:
    flights = [
        (number, campaign, flight)
        for number, campaign in enumerate(unhurried(index.campaigns))
        if not campaign.paused and fits_hour(campaign, hour)
        if (flight := campaign.flight(hour)) is not None
    ]
    mask = mask_of((number for number, *_ in flights), len(index))
    # Of those too whose weekday or hour it is not: what they delivered stays known meanwhile.
    since = {
        creative.id: flight.start
        for campaign in unhurried(index.campaigns)
        if (flight := campaign.flight(hour)) is not None and flight.goal is not None
        for creative in campaign.creatives
    }
    return _Running(index, hour, mask, tuple(flights), since)
