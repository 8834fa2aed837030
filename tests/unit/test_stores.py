"""Store links carry where a reader came from, and only as much as each store takes."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.audience import Platform
from service.domain.stores import (
    CT_CHARS_MAX,
    Origin,
    app_store_link,
    campaign_token,
    play_link,
    store_link,
)
from tests.example import APP

ORIGIN = Origin("example", "vital-signs", "vs-text", "top", "AQID-_x")
LANDING = "https://ads.example/a/vital-signs?via=AQID-_x"
APP_STORE = "https://apps.apple.com/app/apple-store/id123456789?pt=987654&ct=vital-signs-top&mt=8"
PLAY = (
    "https://play.google.com/store/apps/details?id=example.vitalsigns&referrer="
    "utm_source%3Dexample%26utm_medium%3Dapp-ad%26utm_campaign%3Dvital-signs"
    "%26utm_content%3Dvs-text.top%26hb_click%3DAQID-_x"
)

ids = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
origins = st.builds(
    Origin, ids, ids, ids, ids, st.from_regex(r"[A-Za-z0-9_-]{0,124}", fullmatch=True)
)


@pytest.mark.parametrize(
    ("platform", "link"),
    [
        (Platform.IOS, APP_STORE),
        (Platform.ANDROID, PLAY),
        (Platform.DESKTOP, LANDING),
        (Platform.UNKNOWN, LANDING),
    ],
)
def test_each_platform_has_its_store_and_the_rest_the_landing_page(
    platform: Platform, link: str
) -> None:
    assert store_link(APP, platform, ORIGIN, LANDING) == link


def test_an_app_that_is_not_in_a_store_sends_that_platform_to_the_landing_page() -> None:
    assert store_link(replace(APP, ios=None), Platform.IOS, ORIGIN, LANDING) == LANDING
    assert store_link(replace(APP, android=None), Platform.ANDROID, ORIGIN, LANDING) == LANDING


def test_a_campaign_token_without_provider_would_count_for_nothing() -> None:
    assert APP.ios is not None
    app = replace(APP, ios=replace(APP.ios, provider=None))
    link = "https://apps.apple.com/app/apple-store/id123456789?mt=8"
    assert app_store_link(app, ORIGIN) == link


@given(ids, ids)
def test_a_campaign_token_fits_and_begins_with_the_campaign(campaign: str, placement: str) -> None:
    token = campaign_token(campaign, placement)
    assert len(token) <= CT_CHARS_MAX
    assert token.startswith(campaign[: CT_CHARS_MAX - 9])
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


@pytest.mark.parametrize("length", [25, 26, 27])
def test_a_campaign_token_is_whole_up_to_thirty_characters(length: int) -> None:
    token = campaign_token("c" * length, "top")
    assert (token == "c" * length + "-top") is (length + 4 <= CT_CHARS_MAX)
    assert len(token) == min(length + 4, CT_CHARS_MAX)


def test_long_campaign_tokens_that_begin_alike_differ() -> None:
    assert campaign_token("c" * 40, "top") != campaign_token("c" * 40, "bottom")


@given(origins)
def test_the_play_referrer_is_encoded_once_and_decodes_to_its_pairs(origin: Origin) -> None:
    outer = dict(parse_qsl(urlsplit(play_link(APP, origin)).query, strict_parsing=True))
    assert outer["id"] == "example.vitalsigns"
    pairs = {
        "utm_source": origin.site,
        "utm_medium": "app-ad",
        "utm_campaign": origin.campaign,
        "utm_content": f"{origin.creative}.{origin.placement}",
        "hb_click": origin.click_id,
    }
    expected = {name: value for name, value in pairs.items() if value}
    assert dict(parse_qsl(outer["referrer"], strict_parsing=True)) == expected


@given(origins, st.sampled_from(Platform))
def test_every_store_link_can_stand_in_a_location_header(
    origin: Origin, platform: Platform
) -> None:
    link = store_link(APP, platform, origin, LANDING)
    assert link.isascii()
    assert link.isprintable()
    assert " " not in link
    assert "+" not in link


def test_a_link_to_a_store_that_has_no_such_app_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="App Store"):
        app_store_link(replace(APP, ios=None), ORIGIN)
    with pytest.raises(ValueError, match="Google Play"):
        play_link(replace(APP, android=None), ORIGIN)
