"""The bitsets say for every request what a plain rule says of each campaign alone."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign
from service.domain.audience import Platform
from service.domain.choosing import ranks_of
from service.domain.targeting import (
    COUNTRY,
    HOUR,
    LANGUAGE,
    PATH,
    PLACEMENT,
    PLATFORM,
    SECTION,
    SHARED,
    SITE,
    SOURCE,
    TAG,
    TIME_DIMENSIONS,
    WEEKDAY,
    bits,
    compile_targeting,
    included,
    languages,
    mask_of,
)
from service.domain.times import fits_hour
from tests.example import HOUR as NOW
from tests.example import campaign, creative

VALUES = {
    SITE: ("a", "b", "c"),
    PLACEMENT: ("top", "bottom"),
    PLATFORM: ("ios", "android", "desktop", "unknown"),
    COUNTRY: ("de", "fr", "zz"),
    LANGUAGE: ("en", "en-gb", "pt-br"),
    SECTION: ("world", "sport"),
    TAG: ("war", "peace", "goal"),
    PATH: ("/*", "/world/*", "*/live"),
    SOURCE: ("direct", "reddit", "facebook"),
    SHARED: ("yes", "no"),
    WEEKDAY: ("monday", "tuesday"),
    HOUR: ("13", "14", "15"),
}
UNTIMED = [name for name in VALUES if name not in TIME_DIMENSIONS]


def some_of(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.sets(st.sampled_from(values), min_size=1).map(frozenset)


rules = st.lists(st.sampled_from(list(VALUES)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: some_of(VALUES[name]) for name in names})
)
placements = st.lists(st.sampled_from(VALUES[PLACEMENT]), min_size=1, max_size=2, unique=True)
campaigns = st.builds(
    lambda creatives, sites, target, exclude: campaign(
        "c",
        *(creative(f"c-{i}", *names) for i, names in enumerate(creatives)),
        sites=sites,
        target=target,
        exclude=exclude,
    ),
    st.lists(placements, min_size=1, max_size=2),
    st.none() | some_of(VALUES[SITE]),
    st.just({}) | rules,
    st.just({}) | rules,
)
# A request may leave a value out: whoever asks for one of that dimension is refused then.
requests = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(VALUES[name]), max_size=2).map(tuple) for name in UNTIMED}
)
Request = dict[str, tuple[str, ...]]


def test_there_are_twelve_dimensions() -> None:
    named = {
        SITE,
        LANGUAGE,
        SECTION,
        TAG,
        PATH,
        SOURCE,
        SHARED,
        PLATFORM,
        COUNTRY,
        *TIME_DIMENSIONS,
        PLACEMENT,
    }
    assert named == VALUES.keys()
    assert len(named) == 12


@given(st.lists(campaigns, max_size=70), requests)
def test_the_bitsets_answer_as_the_plain_rule(some: list[Campaign], request: Request) -> None:
    eligible = compile_targeting(some).eligible(request)
    assert list(bits(eligible)) == [i for i, one in enumerate(some) if _may_show(one, request)]


@given(st.lists(campaigns, max_size=20), st.integers(0, 400))
def test_times_answer_as_the_plain_rule(some: list[Campaign], later: int) -> None:
    now = {WEEKDAY: ("monday", "tuesday", "other")[later % 3], HOUR: str(later % 24)}
    hour = next(h for h in range(NOW, NOW + 400) if _is(h, now)) if later % 3 < 2 else NOW + 48
    local = now if later % 3 < 2 else {WEEKDAY: "thursday", HOUR: "13"}
    for one in some:
        wanted = all(local[name] in one.target.get(name, local[name]) for name in TIME_DIMENSIONS)
        refused = any(local[name] in one.exclude.get(name, ()) for name in TIME_DIMENSIONS)
        assert fits_hour(one, hour) is (wanted and not refused)


@given(st.lists(campaigns, max_size=6), campaigns, st.integers(0, 6), requests)
def test_another_campaign_changes_nobodys_eligibility(
    some: list[Campaign], other: Campaign, at: int, request: Request
) -> None:
    more = [*some[:at], other, *some[at:]]
    eligible = [one for one in _eligible(more, request) if one is not other]
    assert eligible == _eligible(some, request)


@given(st.lists(campaigns, max_size=30), st.sampled_from(Platform), st.sampled_from(["de", "zz"]))
def test_a_readers_mask_is_that_of_his_platform_and_country(
    some: list[Campaign], platform: Platform, country: str
) -> None:
    request: Request = {PLATFORM: (platform.label,), COUNTRY: (country,)}
    known = platform is not Platform.UNKNOWN
    expected = [i for i, one in enumerate(some) if _suits(one, request, known=known)]
    assert list(bits(compile_targeting(some).reader(platform.label, country))) == expected


def test_a_campaign_shows_only_on_its_sites_and_everywhere_if_it_names_none() -> None:
    some = [campaign("all"), campaign("a", sites=frozenset({"a"}))]
    assert compile_targeting(some).eligible({SITE: ("a",)}) == 0b11
    assert compile_targeting(some).eligible({SITE: ("b",)}) == 0b01


def test_an_exclusion_wins_over_an_inclusion() -> None:
    both = frozenset({"ios", "android"})
    some = [
        campaign("in", target={PLATFORM: both}),
        campaign("out", target={PLATFORM: both}, exclude={PLATFORM: frozenset({"ios"})}),
    ]
    assert compile_targeting(some).eligible({PLATFORM: ("ios",)}) == 0b01
    assert compile_targeting(some).eligible({PLATFORM: ("android",)}) == 0b11
    assert compile_targeting(some).eligible({PLATFORM: ("unknown",)}) == 0


def test_any_of_many_tags_includes_and_any_excludes() -> None:
    some = [
        campaign("wants", target={TAG: frozenset({"sport", "19"})}),
        campaign("shuns", exclude={TAG: frozenset({"war"})}),
    ]
    targeting = compile_targeting(some)
    many = tuple(str(n) for n in range(20))
    assert targeting.eligible({TAG: many}) == 0b11
    assert targeting.eligible({TAG: (*many, "war")}) == 0b01
    assert targeting.eligible({TAG: ()}) == 0b10


@pytest.mark.parametrize(
    ("tag", "counts_as"),
    [
        ("en", ("en",)),
        ("en-GB", ("en-gb", "en")),
        ("PT-br", ("pt-br", "pt")),
        ("e", ("e",)),
        ("zh-Hant-TW", ("zh-hant-tw", "zh-hant", "zh")),
    ],
)
def test_a_language_takes_its_regions_and_a_region_only_itself(
    tag: str, counts_as: tuple[str, ...]
) -> None:
    assert set(languages(tag)) == set(counts_as)
    english = campaign("c", target={LANGUAGE: frozenset({"en"})})
    british = campaign("c", target={LANGUAGE: frozenset({"en-gb"})})
    mask = compile_targeting([english, british]).eligible({LANGUAGE: languages(tag)})
    assert mask == ("en" in counts_as) + 2 * ("en-gb" in counts_as)


def test_a_dimension_that_nobody_names_refuses_nobody() -> None:
    assert compile_targeting([campaign("c")]).eligible({TAG: ("x",), COUNTRY: ("de",)}) == 1


@given(st.from_regex(r"(/[a-c]{0,2}){1,3}", fullmatch=True))
def test_the_globs_of_a_path_are_those_that_match_it(path: str) -> None:
    globs = ("/*", "/a/*", "/a/b", "/a*/c", "*/b", "/", "/b/*/c", "/*a*b*c")
    some = [campaign("c", target={PATH: frozenset({glob})}) for glob in globs]
    found = compile_targeting(some).path_globs(f"https://news.example{path}?b=/a/b")
    assert set(found) == {glob for glob in globs if fnmatchcase(path, glob)}
    assert len(found) == len(set(found))


def test_no_campaigns_make_nobody_eligible() -> None:
    assert compile_targeting([]).eligible({PLATFORM: ("ios",)}) == 0
    assert compile_targeting([]).reader("unknown", "de") == 0
    assert compile_targeting([]).path_globs("https://news.example") == ()
    assert ranks_of([], 0) == ()


@given(st.sets(st.integers(0, 300)))
def test_bits_are_the_positions_in_order_and_masks_their_inverse(positions: set[int]) -> None:
    mask = sum(1 << position for position in positions)
    assert list(bits(mask)) == sorted(positions)
    assert mask_of(positions, 300) == mask


def _is(hour: int, now: dict[str, str]) -> bool:
    return fits_hour(campaign("c", target={k: frozenset({v}) for k, v in now.items()}), hour)


def _eligible(some: list[Campaign], request: Request) -> list[Campaign]:
    return [some[i] for i in bits(compile_targeting(some).eligible(request))]


def _may_show(one: Campaign, request: Request) -> bool:
    placements = {name for creative in one.creatives for name in creative.placements}
    if not set(request[PLACEMENT]) & placements:
        return False
    if one.sites is not None and not set(request[SITE]) & one.sites:
        return False
    asked = {name: set(values) for name, values in request.items()}
    wanted = all(asked[name] & values for name, values in one.target.items() if name in asked)
    return wanted and not any(asked.get(name, set()) & vs for name, vs in one.exclude.items())


def _suits(one: Campaign, request: Request, *, known: bool) -> bool:
    """Say whether a campaign takes a reader; an unknown one may turn out to be on any platform."""
    ways: list[set[str]] = [set(request[PLATFORM])]
    if not known:
        ways = [{name, "unknown"} for name in ("ios", "android", "desktop")]
    for asked in (*ways, None):
        name, values = (PLATFORM, asked) if asked else (COUNTRY, set(request[COUNTRY]))
        if values & one.exclude.get(name, set()) or not values & included(one).get(name, values):
            return False
    return True
