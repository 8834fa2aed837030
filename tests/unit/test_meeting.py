"""Whom two campaigns have in common, as the check tells it and as the compiled targeting does."""

from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from service.adapters.catalog_dimensions import Values, audience_of
from service.domain.targeting import (
    ANYONE,
    KNOWN,
    LANGUAGE,
    SHARED,
    SOURCE,
    TAG,
    compile_targeting,
    languages,
)
from tests.example import campaign

NAMED = {
    "platform": [*KNOWN, ANYONE],
    "country": ["de", "fr"],
    LANGUAGE: ["en", "en-gb", "de"],
    "section": ["world", "sport"],
    TAG: ["war", "peace"],
    SOURCE: ["direct", "facebook", "reddit"],
    SHARED: ["yes", "no"],
}


def _several(values: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values), min_size=1)


sides = st.fixed_dictionaries({}, optional={name: _several(some) for name, some in NAMED.items()})


@given(st.tuples(sides, sides), st.tuples(sides, sides))
def test_two_campaigns_meet_where_one_request_may_show_both(
    one: tuple[Values, Values], other: tuple[Values, Values]
) -> None:
    some = [campaign(f"c{n}", target=t, exclude=e) for n, (t, e) in enumerate((one, other))]
    targeting = compile_targeting(some)

    def both(mask: int) -> bool:
        return mask == targeting.everyone

    def asked(name: str, *requests: tuple[str, ...]) -> bool:
        return any(both(targeting.eligible({name: values})) for values in requests)

    tags = [some for n in range(4) for some in combinations(["war", "peace", "else"], n)]
    sources = [("direct", "no"), *product(["facebook", "reddit", "other"], ["yes"])]
    meet = (
        any(both(targeting.platform(label)) for label in (*KNOWN, ANYONE))
        and asked("country", ("de",), ("fr",), ("zz",))
        and asked(LANGUAGE, *map(languages, ("en", "en-GB", "en-US", "de", "fr")))
        and asked("section", (), ("world",), ("sport",), ("else",))
        and asked(TAG, *tags)
        and any(both(targeting.eligible({SOURCE: (a,), SHARED: (b,)})) for a, b in sources)
    )
    assert audience_of(*one).meets(audience_of(*other)) is meet
