"""Codes lead back to what was configured, even after it left; names are readable again."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.ads import Cap, Creative, Flight, code_of
from service.domain.codes import Codebook
from service.domain.errors import (
    BadConfiguration,
    BadInput,
    HandbillError,
    JournalRefused,
    NotAllowed,
    Problem,
    ShardHalted,
)
from service.domain.names import (
    ArticleName,
    article_field,
    article_name,
    creative_name,
    read_article_name,
)
from tests.example import ARTICLE, CATALOG, CREATIVE, HOUR, SITE, campaign, catalog, creative, site

KNOWN = Codebook().learned(CATALOG)


def test_a_code_is_the_first_four_bytes_of_blake2b() -> None:
    assert code_of("example") == SITE.code == 0x693BB837
    assert code_of("vs-text") == CREATIVE.code == 0xBA603296


def test_every_code_of_the_catalogue_is_known() -> None:
    assert KNOWN.sites == {SITE.code: SITE}
    assert KNOWN.creatives[CREATIVE.code][1] is CREATIVE
    assert KNOWN.apps.keys() == {"vital-signs"}
    assert {code: network.id for code, network in KNOWN.networks.items()} == {
        network.code: network.id for network in CATALOG.networks.values()
    }


def test_what_left_the_configuration_stays_known() -> None:
    later = KNOWN.learned(
        catalog(campaign("new"), sites=(site("elsewhere"),), apps={}, networks={})
    )
    assert later.creatives[CREATIVE.code][0].id == "vital-signs"
    assert later.sites.keys() == {SITE.code, code_of("elsewhere")}
    assert (later.apps, later.networks) == (KNOWN.apps, KNOWN.networks)
    assert KNOWN.creatives.keys() == {CREATIVE.code}


def test_a_code_means_what_the_newest_configuration_says() -> None:
    moved = KNOWN.learned(catalog(campaign("heir", creative("vs-text")), sites=(SITE,)))
    assert moved.creatives[CREATIVE.code][0].id == "heir"
    renamed = KNOWN.learned(catalog(sites=(replace(SITE, name="New Name"),)))
    assert renamed.sites[SITE.code].name == "New Name"


def test_a_source_is_a_network_a_direct_visit_or_other() -> None:
    assert KNOWN.network_id(0) == "-"
    assert KNOWN.network_id(3) == "reddit"
    assert (KNOWN.network_id(12), KNOWN.network_id(255)) == ("other", "other")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_an_articles_name_is_read_back_as_it_was_written(title: str) -> None:
    field, text = article_name(ARTICLE, title)
    assert field == article_field(ARTICLE.id.hex()) == f"a:{ARTICLE.id.hex()}"
    assert read_article_name(text) == ArticleName(ARTICLE.url, title)


def test_a_creatives_name_tells_campaign_and_creative() -> None:
    assert creative_name(0xAB, "vital-signs", "vs-text") == ("c:000000ab", "vital-signs|vs-text")


def test_a_flight_runs_from_its_first_hour_to_before_its_last() -> None:
    flight = Flight(HOUR, HOUR + 2)
    assert [flight.covers(HOUR + n) for n in (-1, 0, 1, 2)] == [False, True, True, False]
    assert Flight(HOUR).covers(HOUR + 10**6)


def test_a_campaign_runs_in_any_of_its_flights_unless_paused() -> None:
    flights = (Flight(HOUR, HOUR + 1), Flight(HOUR + 2, HOUR + 3))
    running = campaign("c", flights=flights, cap=Cap(3, 24))
    assert [running.runs(HOUR + n) for n in range(4)] == [True, False, True, False]
    assert not replace(running, paused=True).runs(HOUR)


def test_a_site_allows_what_any_of_its_patterns_takes() -> None:
    assert SITE.allows("https://news.example/world/summit")
    assert not SITE.allows("https://other.example/world/summit")
    assert not replace(SITE, articles=()).allows("https://news.example/")


def test_an_address_may_be_of_no_site_of_one_or_of_several() -> None:
    twin = replace(SITE, id="twin")
    some = catalog(sites=(SITE, site("other"), twin))
    assert some.sites_of("https://news.example/world/summit") == [SITE, twin]
    assert [one.id for one in some.sites_of("https://other.example/")] == ["other"]
    assert some.sites_of("https://elsewhere.example/") == []


def test_a_creatives_code_depends_on_nothing_but_its_id() -> None:
    assert Creative("vs-text", "Another headline", ("bottom",), weight=7).code == CREATIVE.code


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (BadInput("url", "give one"), "url: give one"),
        (NotAllowed("Origin", "add it"), "Origin: add it"),
        (JournalRefused("full"), "full"),
        (ShardHalted("wrong type", lasting=True), "wrong type"),
        (
            BadConfiguration((Problem("a.yaml", 3, "id", "x"), Problem("b", 0, "y", "z", True))),
            "a.yaml:3: error: id: x\nb: warning: y: z",
        ),
    ],
)
def test_errors_carry_facts_and_say_them(error: HandbillError, text: str) -> None:
    assert str(error) == text
