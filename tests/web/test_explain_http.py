"""Explaining over a real server and on the command line: who may show, what is decided."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands import command, refused
from tests.serving import ROOT
from tests.web.conftest import kept_house
from tests.web.houses import ARTICLE, IPHONE, House
from tests.web.labs import LAB, lab_config
from tests.web.wire import query

HELD = "https://held.example"
# Lists what `held` lists, and is where no other site is.
TWIN = """
id: twin
name: Twin
origins: ["https://twin.example"]
articles: ["https://twin.example/*", "https://held.example/both/*"]
placements: {top: {code: 1}}
fallback: https://twin.example/apps
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("explained")
    config = lab_config(directory)
    (config / "sites" / "twin.yaml").write_text(TWIN)
    with kept_house(directory, config=config) as house:
        yield house


def explained(house: House, url: str, **more: str) -> Any:
    answer = house.internal.get(f"/v1/explain?{query(url=url, **more)}")
    assert answer.status == 200, answer
    return answer.json()


def said(house: House, url: str, *flags: str) -> str:
    """Return what the command line explains."""
    return command("explain", url, *flags, "--internal", house.internal.host, directory=ROOT)


def complaint(house: House, url: str, *flags: str) -> str:
    """Return why the command line explains nothing."""
    flags = (*flags, "--internal", house.internal.host)
    code, text = refused("explain", url, *flags, directory=ROOT)
    assert code == os.EX_DATAERR
    return text


def test_explain_says_the_same_over_http_and_on_the_command_line(house: House) -> None:
    asked = {"site": "lab", "country": "DE", "ua": IPHONE}
    answer = explained(house, f"{LAB}/deep/1", **asked)
    reasons = {one["campaign"]: one["reason"] for one in answer["campaigns"]}
    assert (answer["arm"], answer["platform"], answer["country"]) == ("-", "ios", "de")
    assert {name for name, reason in reasons.items() if reason is None} == {
        "german", "deep", "house",
    }  # fmt: skip
    assert reasons["sport"] == "section: wants sport; given none"
    assert reasons["shared"] == "source: wants reddit; given direct"
    assert reasons["ghost"] == "site: wants held; given lab"
    assert answer["decision"]["top"] in {"german-1", "deep-1"}
    assert answer["decision"]["bottom"] is None
    flags = [f"--{name}={text}" for name, text in asked.items()]
    text = said(house, f"{LAB}/deep/1", *flags)
    assert "arm -; ios, de" in text
    assert re.search(r"^german .* standard .* yes +pace 1$", text, re.MULTILINE)
    assert re.search(r"^ +top +german-1 +share 100% +rate 0\.50%$", text, re.MULTILINE)
    assert re.search(r"^sport .* no +section: wants sport; given none$", text, re.MULTILINE)
    assert "bottom: nothing" in text


def test_each_creative_has_its_estimated_rate(house: House) -> None:
    answer = explained(house, f"{LAB}/deep/1")
    (deep,) = (one for one in answer["campaigns"] if one["campaign"] == "deep")
    assert deep["creatives"] == [
        {"placement": "top", "creative": "deep-1", "share": 1.0, "rate": pytest.approx(0.005)}
    ]


def test_who_is_held_out_is_shown_nothing_and_what_is_held_is_named(house: House) -> None:
    answers = ((f"{HELD}/{n}", explained(house, f"{HELD}/{n}")) for n in range(60))
    url, held = next(pair for pair in answers if pair[1]["arm"] == "hold")
    decided = house.public.get(f"/v1/decision?{query(site='held', url=url)}").json()
    assert held["decision"] == decided["placements"] == {"top": None, "bottom": None}
    assert held["held"] == decided["held"] == {"top": "ghost-1"}
    assert "top: nothing, held out: ghost-1\nbottom: nothing\n" in said(house, url)
    shown = next(one for _, one in answers if one["arm"] != "hold")
    assert shown["decision"]["top"] == "ghost-1"
    assert "held" not in shown


@pytest.mark.parametrize(
    ("url", "site"),
    [(f"{LAB}/deep/1", "lab"), (f"{HELD}/1", "held"), (ARTICLE, "example"),
     ("https://twin.example/1", "twin")],
)  # fmt: skip
def test_an_address_tells_its_site(house: House, url: str, site: str) -> None:
    answer, named = explained(house, url), explained(house, url, site=site)
    assert [one["reason"] for one in answer["campaigns"]] == [
        one["reason"] for one in named["campaigns"]
    ]
    assert "arm " in said(house, url)


def test_an_address_of_several_sites_asks_for_one(house: House) -> None:
    url, message = f"{HELD}/both/1", "several sites list this address, say which: held, twin"
    answer = house.internal.get(f"/v1/explain?{query(url=url)}")
    assert answer.status == 400
    assert answer.problem()["errors"] == [{"field": "site", "message": message}]
    assert complaint(house, url) == f"--site: {message}\n"
    assert explained(house, url, site="twin")["campaigns"]
    assert "arm " in said(house, url, "--site=twin")


@pytest.mark.parametrize("code", ["xx", "XX", "éé", "uk", "DEU", "1x", ""])
def test_only_a_country_is_one(house: House, code: str) -> None:
    answer = house.internal.get(f"/v1/explain?{query(url=f'{LAB}/', country=code)}")
    assert (answer.status, answer.fields) == (400, ["country"])


@pytest.mark.parametrize("code", ["zz", "ZZ", "Gb"])
def test_the_unknown_country_is_one_and_capitals_are_no_matter(house: House, code: str) -> None:
    assert explained(house, f"{LAB}/", country=code)["country"] == code.lower()


@pytest.mark.parametrize(
    ("field", "text", "status"),
    [
        ("site", "", 400), ("site", "no", 404), ("url", "https://elsewhere.example/", 403),
        ("url", "x", 400), ("section", "x" * 61, 400),
        ("tags", ",".join("abcdefghijklmnopqrstu"), 400),
    ],
)  # fmt: skip
def test_explain_names_what_is_wrong(house: House, field: str, text: str, status: int) -> None:
    asked = {"site": "lab", "url": f"{LAB}/", field: text}
    answer = house.internal.get(f"/v1/explain?{query(**asked)}")
    assert (answer.status, answer.fields) == (status, [field])


def test_the_command_line_says_in_a_sentence_what_is_wrong(house: House) -> None:
    assert complaint(house, f"{LAB}/", "--country=XX") == (
        "--country: give a code of ISO 3166, such as DE, or ZZ\n"
    )
    assert complaint(house, "https://elsewhere.example/") == (
        "url: no configured site lists this address among its articles\n"
    )
    flags = ("--internal", house.public.host)
    assert refused("explain", f"{LAB}/", *flags, directory=ROOT) == (
        os.EX_DATAERR,
        "nothing is explained there (status 404): give the internal listener: --internal\n",
    )
    code, text = refused("explain", f"{LAB}/", "--internal=127.0.0.1:1", directory=ROOT)
    assert (code, text.startswith("nothing answers at 127.0.0.1:1")) == (os.EX_UNAVAILABLE, True)
