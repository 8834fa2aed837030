"""The decision engine over a real server: targeting, caps, holdouts, previews, reload."""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.domain.ads import code_of
from service.domain.tokens import Arm, parse_token
from tests.commands import FAKETIME, command, needs_faketime
from tests.serving import ROOT
from tests.web.conftest import kept_house
from tests.web.houses import IPHONE, PUBLIC_URL, House
from tests.web.labs import LAB, PROXIED, lab_config, put_campaign, until
from tests.web.wire import Wire, query


@dataclass(frozen=True)
class Lab:
    """A running service whose configuration may be edited."""

    house: House
    config: Path
    data: Path

    def decide(self, path: str = "/", site: str = "lab", **more: str) -> dict[str, Any]:
        """Return the decision for a page; headers in capitals, parameters in small letters."""
        headers = {name.replace("_", "-"): v for name, v in more.items() if name[0].isupper()}
        asked = {name: v for name, v in more.items() if name[0].islower()}
        wanted = {"site": site, "url": f"https://{site}.example{path}", **asked}
        sent = {"User-Agent": IPHONE, **headers}
        answer = self.house.public.get(f"/v1/decision?{query(**wanted)}", sent)
        assert answer.status == 200, answer
        decision: dict[str, Any] = answer.json()
        return decision

    def top(self, path: str = "/", **more: str) -> str | None:
        """Return the campaign that the first placement shows."""
        shown = self.decide(path, **more)["placements"]["top"]
        return shown and str(shown["campaign"])

    @property
    def reloaded(self) -> float:
        """Whether the last change of the configuration was taken."""
        return self.house.metric("handbill_config_last_reload_successful")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("lab")
    config = lab_config(directory)
    with kept_house(directory, *PROXIED, config=config) as house:
        yield Lab(house, config, directory / "data")


@pytest.mark.parametrize(
    ("more", "campaign"),
    [
        ({}, "house"),
        ({"X_Country": "DE"}, "german"),
        ({"X_Country": "fr"}, "house"),
        ({"X_Country": "Germany"}, "house"),
        ({"X_Forwarded_For": "5.9.0.1"}, "german"),
        ({"section": "  SPORT "}, "sport"),
        ({"tags": "peace,world  cup,more"}, "cup"),
        ({"tags": "world,cup"}, "house"),
        ({"lang": "pt-BR"}, "portuguese"),
        ({"lang": "de"}, "house"),
        ({"from_": "3.1"}, "shared"),
        ({"from_": "1.1"}, "house"),
        ({"path": "/deep/down"}, "deep"),
    ],
)
def test_what_page_and_reader_say_brings_the_campaign_for_it(
    lab: Lab, more: dict[str, str], campaign: str
) -> None:
    assert lab.top(**more) == campaign


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_a_country_is_not_taken_from_a_stranger(lab: Lab) -> None:
    stranger = Wire(f"http://{lab.house.public.host}", source="127.0.0.2")
    asked = f"/v1/decision?{query(site='lab', url=f'{LAB}/')}"
    shown = stranger.get(asked, {"X-Country": "DE", "X-Forwarded-For": "5.9.0.1"}).json()
    assert shown["placements"]["top"]["campaign"] == "house"


def test_a_capped_campaign_comes_with_runner_ups_that_count_and_lead_on(lab: Lab) -> None:
    decision = lab.decide("/capped/1")
    top, token = decision["placements"]["top"], decision["token"]
    assert (top["campaign"], top["cap"]["key"]) == ("capped", "capped")
    others = top["alternates"]
    names = [other["campaign"] for other in others]
    assert len(set(names)) == 2
    assert set(names) <= {"second", "third", "fourth"}
    assert [other["click"] for other in others] == [
        f"{PUBLIC_URL}/c/{token}/top/{rank}" for rank in (1, 2)
    ]
    assert [other["alternates"] for other in others] == [[], []]
    counting = lab.house.counting("kind,campaign,verdict")
    event = {"kind": "impression", "placement": "top", "creative": others[1]["creative"]}
    assert lab.house.report(token, event).status == 204
    missing = next(n for n in ("second", "third", "fourth") if n not in names)
    lab.house.report(token, {**event, "creative": f"{missing}-1"})
    time.sleep(0.1)  # what is clicked sooner is no reader's
    for rank, link in enumerate((others[0]["click"], top["click"] + "/3")):
        answer = lab.house.follow(link, Origin=LAB)
        assert ("apps.apple.com" in answer.location) is (rank == 0)
    gained = counting.gained(4)
    assert gained["impression", names[1], "valid"] == 1
    assert gained["impression", "-", "mismatch"] == 1
    assert gained["click", "-", "mismatch"] == 1
    assert gained["click", names[0], "valid"] == 1


def test_a_page_view_that_is_held_out_names_its_ghosts_and_shows_nothing(lab: Lab) -> None:
    decisions = [lab.decide(f"/{n}", site="held") for n in range(60)]
    held = next(one for one in decisions if "held" in one)
    assert held["held"] == {"top": "ghost-1"}
    assert held["placements"] == {"top": None, "bottom": None}
    assert parse_token(held["token"]).token.arm is Arm.HOLD
    shown = next(one for one in decisions if "held" not in one)
    assert shown["placements"]["top"]["campaign"] == "ghost"
    counting = lab.house.counting("kind,arm,verdict")
    event = {"kind": "impression", "placement": "top", "creative": "ghost-1"}
    assert lab.house.report(held["token"], event).status == 204
    assert counting.gained(1) == {("impression", "hold", "valid"): 1}
    outcomes = {
        outcome: lab.house.metric(
            f'handbill_decisions_total{{outcome="{outcome}",placement="top",site="held"}}'
        )
        for outcome in ("held", "filled", "empty")
    }
    assert (outcomes["held"] > 0, outcomes["filled"] > 0, outcomes["empty"]) == (True, True, 0)


def test_a_preview_link_shows_a_creative_and_counts_nothing(lab: Lab) -> None:
    url = f"{LAB}/page?id=7"
    said = command(
        "preview", "german-1", url, "--config", str(lab.config), "--data", str(lab.data),
        directory=ROOT,
    ).strip()  # fmt: skip
    mark = parse_qs(urlsplit(said).query)["hb"][0]
    assert said == f"{url}&hb={mark}"
    token = mark.removeprefix("preview.")
    decision = lab.decide("/page?id=7", preview=token)
    assert decision["placements"]["top"]["creative"] == "german-1"
    assert parse_token(decision["token"]).token.preview
    counting = lab.house.counting("kind,verdict")
    events = ({"kind": "view"}, {"kind": "impression", "placement": "top"})
    assert lab.house.report(decision["token"], *events).status == 204
    assert counting.gained(2) == {("view", "preview"): 1, ("impression", "preview"): 1}
    asked = query(site="lab", url=f"{LAB}/other", preview=token)
    refused = lab.house.public.get(f"/v1/decision?{asked}")
    assert (refused.status, refused.fields) == (400, ["preview"])


@needs_faketime
@pytest.mark.parametrize(("age", "shown"), [("-1439m", True), ("-1441m", False)])
def test_a_preview_link_lives_for_a_day(lab: Lab, age: str, shown: bool) -> None:
    url = f"{LAB}/page"
    said = command(
        "preview", "german-1", url, "--config", str(lab.config), "--data", str(lab.data),
        directory=ROOT, clock={"LD_PRELOAD": str(FAKETIME), "FAKETIME": age},
    ).strip()  # fmt: skip
    preview = parse_qs(urlsplit(said).query)["hb"][0].removeprefix("preview.")
    answer = lab.house.public.get(f"/v1/decision?{query(site='lab', url=url, preview=preview)}")
    if shown:
        assert answer.json()["placements"]["top"]["creative"] == "german-1"
    else:
        assert (answer.status, answer.fields) == (400, ["preview"])


def test_a_changed_configuration_is_live_and_what_left_it_still_leads_on(lab: Lab) -> None:
    file = put_campaign(lab.config, "fresh", "target: {path: [/fresh/*]}")
    until(lambda: lab.top("/fresh/1") == "fresh")
    decision = lab.decide("/fresh/1")
    file.unlink()
    until(lambda: lab.top("/fresh/1") == "house")
    assert lab.reloaded == 1.0
    click = decision["placements"]["top"]["click"]
    assert "apps.apple.com" in lab.house.follow(click, Origin=LAB).location
    counting = lab.house.counting("kind,creative,verdict")
    event = {"kind": "impression", "placement": "top", "creative": "fresh-1"}
    assert lab.house.report(decision["token"], event).status == 204
    assert counting.gained(1) == {("impression", "fresh-1", "valid"): 1}
    assert code_of("fresh-1") == parse_token(decision["token"]).token.offers[0].creative


def test_pausing_is_live(lab: Lab) -> None:
    put_campaign(lab.config, "deep", "target: {path: [/deep/*]}\npaused: true")
    until(lambda: lab.top("/deep/1") == "house")
    put_campaign(lab.config, "deep", "target: {path: [/deep/*]}")
    until(lambda: lab.top("/deep/1") == "deep")


def test_an_invalid_change_changes_nothing_and_is_told_everywhere(lab: Lab) -> None:
    file = put_campaign(lab.config, "broken", "target: {country: [XX, UK]}\nweight: 0")
    put_campaign(lab.config, "good", "target: {path: [/good/*]}")
    until(lambda: lab.reloaded == 0.0)
    ready = lab.house.internal.get("/readyz")
    assert (ready.status, "last change refused: 3 problems" in ready.text) == (200, True)
    assert lab.top("/good/1") == "house", "not even the sound part of it is taken"
    logged = lab.house.said()
    for field in ("target.country[0]", "target.country[1]", "weight"):
        assert field in logged
    file.unlink()
    until(lambda: lab.reloaded == 1.0)
    assert lab.top("/good/1") == "good"
    assert "refused" not in lab.house.internal.get("/readyz").text


def test_campaigns_that_cannot_be_read_are_not_taken_for_none(lab: Lab) -> None:
    campaigns, away = lab.config / "campaigns", lab.config / "away"
    campaigns.rename(away)
    campaigns.symlink_to("nowhere")
    until(lambda: lab.reloaded == 0.0)
    assert "last change refused: 1 problems" in lab.house.internal.get("/readyz").text
    assert f"{campaigns}:1: error: file: cannot be read" in lab.house.said()
    assert lab.top("/deep/1") == "deep"
    campaigns.unlink()
    away.rename(campaigns)
    until(lambda: lab.reloaded == 1.0)
    assert lab.top("/deep/1") == "deep"


def test_simulate_prints_deliveries_and_draws_them(lab: Lab, tmp_path: Path) -> None:
    said = command(
        "simulate", "--days", "1", "--views", "2000", "--plot", "plot.svg",
        "--config", str(ROOT / "config"), directory=tmp_path,
    )  # fmt: skip
    assert "delivered by day" in said
    assert re.search(r"^vital-signs impressions +[\d,]+ +[\d,]+$", said, re.MULTILINE)
    drawn = (tmp_path / "plot.svg").read_text()
    assert drawn.lstrip().startswith("<svg")
    assert "vital-signs" in drawn
