"""Whom a decision and a fragment take their reader for, over a real server behind a proxy."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.cli import EXIT_CONFIG
from service.domain.audience import Platform
from service.domain.tokens import Token, parse_token
from tests.commands import command, refused
from tests.mmdb import mmdb
from tests.serving import ROOT
from tests.web.conftest import kept_house, open_house
from tests.web.houses import IPHONE, MACINTOSH, House
from tests.web.labs import LAB, PROXIED, lab_config, put_campaign
from tests.web.wire import Answer, Wire, query

GERMAN, DOCUMENTED = "5.9.0.1", "198.51.100.7"
NOT_IN_GERMANY = "exclude: {country: [DE]}\ntarget: {path: [/abroad/*]}"
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = lab_config(tmp_path_factory.mktemp("readers"))
    put_campaign(config, "abroad", NOT_IN_GERMANY)
    return config


@pytest.fixture(scope="module")
def house(config: Path) -> Iterator[House]:
    """Run a service that believes what 127.0.0.1 passes on."""
    with kept_house(config.parent, *PROXIED, config=config) as house:
        yield house


def ask(house: House, what: str, path: str, headers: dict[str, str], **more: str) -> Answer:
    asked = query(site="lab", url=f"{LAB}{path}", placements="top", **more)
    return house.public.get(f"/v1/{what}?{asked}", {"User-Agent": IPHONE, **headers})


def decided(house: House, path: str, headers: dict[str, str]) -> str:
    """Return the campaign that a decision shows."""
    return str(ask(house, "decision", path, headers).json()["placements"]["top"]["campaign"])


def included(answer: Answer) -> tuple[str, Token]:
    """Return headline, which is the campaign's id, and token of a fragment."""
    headline, token = (
        re.search(r">([a-z-]+)</a>", answer.text),
        re.search(r"/c/(.+?)/", answer.text),
    )
    assert headline, answer
    assert token, answer
    return headline[1], parse_token(token[1]).token


@pytest.mark.parametrize("code", ["XX", "T1", "xk", "Germany", "é\xe9", "D", "1x"])
def test_what_a_proxy_calls_no_country_is_the_unknown_one(house: House, code: str) -> None:
    for header in ({"X-Country": code}, {"X-Country": code, "X-Forwarded-For": GERMAN}):
        assert decided(house, "/nowhere/1", header) == "nowhere"
        assert included(ask(house, "fragment", "/nowhere/1", header))[0] == "nowhere"


@pytest.mark.parametrize("header", [{}, {"X-Country": ""}])
def test_without_a_proxys_word_the_address_tells(house: House, header: dict[str, str]) -> None:
    assert decided(house, "/nowhere/1", {**header, "X-Forwarded-For": GERMAN}) == "german"
    assert decided(house, "/nowhere/1", {**header, "X-Forwarded-For": "10.1.2.3"}) == "nowhere"


async def test_the_operators_database_is_asked_before_the_registries(
    config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(mmdb({"198.51.100.0/24": {"country": {"iso_code": "DE"}}}))
    flags = (*PROXIED, "--country-db", str(file))
    async with open_house(tmp_path, *flags, config=config) as house:
        for address, campaign in ((DOCUMENTED, "german"), (GERMAN, "german"), ("::1", "abroad")):
            assert decided(house, "/abroad/1", {"X-Forwarded-For": address}) == campaign
        passed_on = {"X-Forwarded-For": DOCUMENTED, "X-Country": "FR"}
        assert decided(house, "/abroad/1", passed_on) == "abroad"


def test_a_database_that_tells_nothing_is_refused_at_the_start(tmp_path: Path) -> None:
    flags = ("--data", str(tmp_path), "--country-db", str(tmp_path / "none.mmdb"))
    assert refused("serve", *flags, directory=ROOT) == (
        EXIT_CONFIG, "settings: error: --country-db: give a file that the service may read\n"
    )  # fmt: skip


@pytest.mark.parametrize("header", [{"X-Country": "DE"}, {"X-Forwarded-For": GERMAN}])
def test_a_fragment_shows_what_a_decision_shows_the_same_reader(
    house: House, header: dict[str, str]
) -> None:
    assert decided(house, "/abroad/1", header) == "german"
    assert included(ask(house, "fragment", "/abroad/1", header))[0] == "german"
    french = {"X-Country": "FR"}
    assert decided(house, "/abroad/1", french) == "abroad"
    assert included(ask(house, "fragment", "/abroad/1", french))[0] == "abroad"


@pytest.mark.parametrize("header", [{"Sec-GPC": "1"}, {"DNT": "1"}, {}])
def test_a_fragment_keeps_the_readers_wish_for_privacy(
    house: House, header: dict[str, str]
) -> None:
    _, token = included(ask(house, "fragment", "/", header))
    assert token.gpc is bool(header)


def test_a_fragment_knows_an_ipad_by_its_touch(house: House) -> None:
    for touch, platform in (("0", Platform.DESKTOP), ("1", Platform.IOS)):
        answer = ask(house, "fragment", "/", {"User-Agent": MACINTOSH}, touch=touch)
        assert included(answer)[1].platform is platform


@only_linux
def test_an_unknown_server_that_includes_a_fragment_is_not_its_reader(house: House) -> None:
    stranger = Wire(f"http://{house.public.host}", source="127.0.0.2")
    asked = f"/v1/fragment?{query(site='lab', url=f'{LAB}/abroad/1', placements='top')}"
    sent = {"User-Agent": IPHONE, "X-Country": "DE", "X-Forwarded-For": GERMAN, "Sec-GPC": "1"}
    campaign, token = included(stranger.get(asked, sent))
    assert (campaign, token.platform, token.gpc) == ("abroad", Platform.UNKNOWN, True)


@pytest.mark.parametrize("form", ["text", "email"])
def test_what_has_no_reader_asks_for_none(house: House, form: str) -> None:
    answer = ask(house, "fragment", "/abroad/1", {"X-Country": "DE"}, format=form)
    assert "abroad" in answer.text


def test_a_preview_shows_in_each_form_that_counts_nothing_of_it(house: House, config: Path) -> None:
    data = config.parent / "data"
    flags = ("--config", str(config), "--data", str(data))
    said = command("preview", "sport-1", f"{LAB}/page", *flags, directory=ROOT)
    preview = said.strip().partition("hb=preview.")[2]
    campaign, token = included(ask(house, "fragment", "/page", {}, preview=preview))
    assert (campaign, token.preview) == ("sport", True)
    text = ask(house, "fragment", "/page", {}, preview=preview, format="text")
    assert text.text == "Advertisement: sport\nShare on Reddit\n"
    email = ask(house, "fragment", "/page", {}, preview=preview, format="email")
    assert (email.status, email.fields) == (400, ["preview"])
    for form in ("html", "text", "email"):
        stale = ask(house, "fragment", "/other", {}, preview=preview, format=form)
        assert (stale.status, stale.fields) == (400, ["preview"])
