"""A short link knows the click that led to it, and credits nothing else."""

from dataclasses import replace

import pytest

from service.domain.catalog import Catalog
from service.domain.sites import Site
from service.domain.stores import Origin
from service.domain.tokens import CONVERSION, Offer, Parsed, parse_token
from service.flows.follow import Follower
from tests.example import APP, SIGNER, SITE, STRANGER
from tests.planning import plan
from tests.recording import CATALOG, TOKEN, signed

CLICK_ID = SIGNER.sign(TOKEN.narrowed(TOKEN.offers[0]), CONVERSION)


def test_a_short_link_knows_the_click_that_led_to_it() -> None:
    via = parse_token(CLICK_ID)
    assert _follower().short_link(APP, via, "direct") == Origin(
        "example", "vital-signs", "vs-text", "top", CLICK_ID
    )


DOUBTFUL = {
    "none": None,
    "forged": parse_token(STRANGER.sign(TOKEN, CONVERSION)),
    "a page's token": signed(),
    "no offer": parse_token(SIGNER.sign(TOKEN._replace(offers=()), CONVERSION)),
    "unknown site": parse_token(SIGNER.sign(TOKEN._replace(site=1), CONVERSION)),
    "unknown creative": parse_token(SIGNER.sign(TOKEN.narrowed(Offer(1, 1, 9)), CONVERSION)),
}


@pytest.mark.parametrize("via", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_a_short_link_in_doubt_is_named_by_its_label(via: Parsed | None) -> None:
    origin = Origin("poster", "short-link", "vital-signs", "poster")
    assert _follower().short_link(APP, via, "poster") == origin


def test_a_click_on_one_app_credits_no_other() -> None:
    other = replace(APP, id="other")
    assert _follower().short_link(other, parse_token(CLICK_ID), "direct").click_id == ""


def test_a_click_id_of_a_placement_that_left_has_none() -> None:
    bare: Site = replace(SITE, placements=())
    follower = _follower(replace(CATALOG, sites={SITE.id: bare}))
    assert follower.short_link(APP, parse_token(CLICK_ID), "direct").placement == "-"


def _follower(some: Catalog = CATALOG) -> Follower:
    made = plan(some)
    return Follower(lambda: made, lambda: SIGNER, "https://ads.example")
