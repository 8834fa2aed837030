"""The bitsets say for every request what a plain rule says of each campaign alone."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Campaign
from service.domain.targeting import (
    PLACEMENT,
    PLATFORM,
    SITE,
    bits,
    compile_targeting,
)
from tests.example import campaign, creative

SITES, PLACEMENTS, PLATFORMS = ("a", "b", "c"), ("top", "bottom"), ("ios", "android", "unknown")
VALUES = {SITE: SITES, PLACEMENT: PLACEMENTS, PLATFORM: PLATFORMS}


def some_of(values: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.sets(st.sampled_from(values), min_size=1).map(frozenset)


rules = st.fixed_dictionaries(
    {}, optional={name: some_of(values) for name, values in VALUES.items()}
)
placements = st.lists(st.sampled_from(PLACEMENTS), min_size=1, max_size=2, unique=True)
campaigns = st.builds(
    lambda creatives, sites, target, exclude: campaign(
        "c",
        *(creative(f"c-{i}", *names) for i, names in enumerate(creatives)),
        sites=sites,
        target=target,
        exclude=exclude,
    ),
    st.lists(placements, min_size=1, max_size=2),
    st.none() | some_of(SITES),
    st.just({}) | rules,
    st.just({}) | rules,
)
# A request may leave a dimension out: whoever asks for a value of it is refused then.
requests = st.builds(
    lambda whole, left_out: {name: values for name, values in whole.items() if name != left_out},
    st.fixed_dictionaries(
        {
            # A page is on one site, and a pool is of one placement: only readers may be several.
            name: st.lists(
                st.sampled_from(values), min_size=1, max_size=2 if name == PLATFORM else 1
            ).map(tuple)
            for name, values in VALUES.items()
        }
    ),
    st.sampled_from(["", "", "", *VALUES]),
)
Request = dict[str, tuple[str, ...]]


@given(st.lists(campaigns, max_size=70), requests)
def test_the_bitsets_answer_as_the_plain_rule(some: list[Campaign], request: Request) -> None:
    eligible = compile_targeting(some).eligible(request)
    assert list(bits(eligible)) == [i for i, one in enumerate(some) if _may_show(one, request)]


@given(st.lists(campaigns, max_size=6), campaigns, st.integers(0, 6), requests)
def test_another_campaign_changes_nobodys_eligibility(
    some: list[Campaign], other: Campaign, at: int, request: Request
) -> None:
    more = [*some[:at], other, *some[at:]]
    eligible = [one for one in _eligible(more, request) if one is not other]
    assert eligible == _eligible(some, request)


def test_a_campaign_shows_only_on_its_sites_and_everywhere_if_it_names_none() -> None:
    some = [campaign("all"), campaign("a", sites=frozenset({"a"}))]
    assert compile_targeting(some).eligible(_asking(SITE, "a")) == 0b11
    assert compile_targeting(some).eligible(_asking(SITE, "b")) == 0b01


def test_a_campaign_shows_only_where_it_has_a_creative() -> None:
    some = [campaign("both", creative("x", "top"), creative("y", "bottom")), campaign("top")]
    assert compile_targeting(some).eligible(_asking(PLACEMENT, "bottom")) == 0b01
    assert compile_targeting(some).eligible(_asking(PLACEMENT, "middle")) == 0


def test_an_exclusion_wins_over_an_inclusion() -> None:
    both = frozenset({"ios", "android"})
    some = [
        campaign("in", target={PLATFORM: both}),
        campaign("out", target={PLATFORM: both}, exclude={PLATFORM: frozenset({"ios"})}),
    ]
    assert compile_targeting(some).eligible(_asking(PLATFORM, "ios")) == 0b01
    assert compile_targeting(some).eligible(_asking(PLATFORM, "android")) == 0b11
    assert compile_targeting(some).eligible(_asking(PLATFORM, "unknown")) == 0


def test_any_of_several_values_of_a_reader_includes_and_any_excludes() -> None:
    some = [
        campaign("wants", target={"tag": frozenset({"sport"})}),
        campaign("shuns", exclude={"tag": frozenset({"war"})}),
    ]
    asking = {**_asking(PLATFORM, "ios"), "tag": ("sport", "war")}
    assert compile_targeting(some).eligible(asking) == 0b01


def test_no_campaigns_make_nobody_eligible() -> None:
    assert compile_targeting([]).eligible(_asking(PLATFORM, "ios")) == 0


@given(st.sets(st.integers(0, 300)))
def test_bits_are_the_positions_in_order(positions: set[int]) -> None:
    assert list(bits(sum(1 << position for position in positions))) == sorted(positions)


def _asking(name: str, value: str) -> Request:
    return {SITE: ("a",), PLACEMENT: ("top",), PLATFORM: ("ios",), name: (value,)}


def _eligible(some: list[Campaign], request: Request) -> list[Campaign]:
    return [some[i] for i in bits(compile_targeting(some).eligible(request))]


def _may_show(one: Campaign, request: Request) -> bool:
    asked = {name: set(request.get(name, ())) for name in VALUES}
    placements = {name for creative in one.creatives for name in creative.placements}
    if not asked[PLACEMENT] & placements:
        return False
    if one.sites is not None and not asked[SITE] & one.sites:
        return False
    wanted = all(asked[name] & values for name, values in one.target.items())
    return wanted and not any(asked[name] & values for name, values in one.exclude.items())
