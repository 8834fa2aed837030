"""Which campaigns a request may show, as bitsets: one mask per dimension value, then AND.

Built once per catalogue; an answer costs a look-up and an AND per dimension, whatever the number
of campaigns. Globs of article paths are matched once per page, not once per request.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any
from urllib.parse import urlsplit

from service.domain.ads import Campaign
from service.domain.articles import glob_matches
from service.domain.audience import Platform

SITE = "site"
PLACEMENT = "placement"
PLATFORM = "platform"
COUNTRY = "country"
LANGUAGE = "language"
SECTION = "section"
TAG = "tag"
PATH = "path"
SOURCE = "source"
SHARED = "shared"
WEEKDAY = "weekday"
HOUR = "hour"
TIME_DIMENSIONS = (WEEKDAY, HOUR)  # decided by the campaign's own clock, when a plan is made
ANYONE = Platform.UNKNOWN.label
KNOWN = tuple(platform.label for platform in Platform if platform is not Platform.UNKNOWN)
DIRECT = "direct"  # the source of a reader whom no share brought


Through = Callable[[Iterable[Any]], Iterator[Any]]
"""Iterate over items; who has others wait may rest between two."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """Masks of one dimension: who takes anyone, who asks for a value, who excludes it.

    `single` are the answers for one value alone, of each that some campaign names.
    """

    anyone: int = 0
    wanted: Mapping[str, int] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    single: Mapping[str, int] = field(default_factory=dict)

    def one(self, value: str) -> int:
        """Return the campaigns that a request with just this value may show."""
        return self.single.get(value, self.anyone)

    def mask(self, values: Iterable[str]) -> int:
        """Return the campaigns that a request with these values may show."""
        wanted, excluded = self.anyone, 0
        for value in values:
            wanted |= self.wanted.get(value, 0)
            excluded |= self.excluded.get(value, 0)
        return wanted & ~excluded


@dataclass(frozen=True, slots=True)
class Targeting:
    """All dimensions over one list of campaigns; bit i stands for the i-th of them."""

    everyone: int
    dimensions: Mapping[str, Dimension]
    paths: Mapping[str, tuple[str, ...]]  # globs by the first step of the path, "" for any
    unknown: int  # campaigns for readers of whom the platform is not known

    def eligible(self, request: Mapping[str, Iterable[str]]) -> int:
        """Return the mask of campaigns that none of the named dimensions refuses.

        A dimension that is named without a value refuses campaigns that ask for a value of it.
        """
        mask = self.everyone
        for name, values in request.items():
            dimension = self.dimensions.get(name)
            if dimension is not None:
                mask &= dimension.mask(values)
        return mask

    def reader(self, platform: str, country: str) -> int:
        """Return the mask of campaigns that a reader's platform and country allow.

        An unknown reader may be on any platform: what suits them all, or says so, suits him.
        """
        mask = self.platform(platform)
        countries = self.dimensions.get(COUNTRY)
        return mask if countries is None else mask & countries.one(country)

    def platform(self, label: str) -> int:
        """Return the mask of campaigns that a reader's platform allows."""
        return self.unknown if label == ANYONE else self.dimensions[PLATFORM].one(label)

    def path_globs(self, url: str) -> tuple[str, ...]:
        """Return the globs that some campaign names and that match an address's path."""
        path = urlsplit(url).path
        candidates = (glob for step in {_first_step(path), ""} for glob in self.paths.get(step, ()))
        return tuple(sorted(glob for glob in candidates if glob_matches(glob, path)))


def compile_targeting(campaigns: Sequence[Campaign], through: Through = iter) -> Targeting:
    """Build the masks of campaigns in this order; `through` is how to go through thousands."""
    rules = [(included(campaign), campaign.exclude) for campaign in through(campaigns)]
    names = {SITE, PLACEMENT, PLATFORM}
    for include, exclude in through(rules):
        names |= include.keys() | exclude.keys()
    dimensions = {
        name: _dimension(name, rules, through)
        for name in sorted(names)
        if name not in TIME_DIMENSIONS
    }
    globs = dimensions[PATH].single if PATH in dimensions else ()
    paths: dict[str, tuple[str, ...]] = {}
    for glob in sorted(globs):
        step = _first_step(glob)
        key = "" if "*" in step else step
        paths[key] = (*paths.get(key, ()), glob)
    everyone = (1 << len(campaigns)) - 1
    unknown = everyone
    for platform in KNOWN:
        unknown &= dimensions[PLATFORM].mask((platform, ANYONE))
    return Targeting(everyone, dimensions, paths, unknown)


def languages(tag: str) -> tuple[str, ...]:
    """Return what a BCP 47 tag counts as: itself and each wider one, in lower case."""
    return tuple(accumulate(tag.lower().split("-"), "{}-{}".format))


def included(campaign: Campaign) -> Mapping[str, frozenset[str]]:
    """Return every dimension for which a campaign asks for values, sites and placements too."""
    placements = frozenset(name for creative in campaign.creatives for name in creative.placements)
    wanted = dict(campaign.target)
    for name, values in ((PLACEMENT, placements), (SITE, campaign.sites)):
        if values is not None:
            wanted[name] = values & wanted.get(name, values)
    return wanted


def bits(mask: int) -> Iterator[int]:
    """Yield the positions of a mask's set bits, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def mask_of(positions: Iterable[int], length: int) -> int:
    """Return the mask with these bits set, in time linear in the length."""
    raw = bytearray(length // 8 + 1)
    for i in positions:
        raw[i >> 3] |= 1 << (i & 7)
    return int.from_bytes(raw, "little")


def bytes_of(mask: int, length: int) -> bytes:
    """Return a mask of so many bits as bytes, the lowest bits first."""
    return mask.to_bytes(length // 8 + 1, "little")


_Rule = tuple[Mapping[str, frozenset[str]], Mapping[str, frozenset[str]]]


def _dimension(name: str, rules: Sequence[_Rule], through: Through) -> Dimension:
    anyone: list[int] = []
    wanted: dict[str, list[int]] = {}
    excluded: dict[str, list[int]] = {}
    for i, (include, exclude) in enumerate(through(rules)):
        if name not in include:
            anyone.append(i)
        for value in include.get(name, ()):
            wanted.setdefault(value, []).append(i)
        for value in exclude.get(name, ()):
            excluded.setdefault(value, []).append(i)
    length = len(rules)
    anyone_mask = mask_of(anyone, length)
    wants = {value: mask_of(some, length) for value, some in wanted.items()}
    refuses = {value: mask_of(some, length) for value, some in excluded.items()}
    single = {
        value: (anyone_mask | wants.get(value, 0)) & ~refuses.get(value, 0)
        for value in {*wants, *refuses}
    }
    return Dimension(anyone_mask, wants, refuses, single)


def _first_step(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""
