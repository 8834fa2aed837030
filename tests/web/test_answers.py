"""The kept pieces of decisions: bounded, however many and long the queries of strangers are."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.choosing import Choice
from service.domain.plans import Plan
from service.domain.sites import Labels
from service.domain.tokens import Arm
from service.flows.decide import Decision
from service.web import answers
from service.web.answers import Answers
from tests.example import CATALOG
from tests.planning import plan
from tests.web.hostile import encoded
from tests.web.wire import query

PLAN = plan()


def _kept(kept: Answers) -> int:
    views = [*kept._views.items(), *kept._older.items()]
    return sum(len(asked) + len(view.article) + len(view.asked) for asked, view in views)


def test_what_is_kept_of_long_queries_has_a_bound_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "VIEWS_CHARS_MAX", 1 << 20)
    kept, title = Answers("https://ads.example"), encoded("\U0001f30d" * 200)
    for n in range(300):
        url = f"https://news.example/{n}/{'/' * 1_900}"
        kept.view(f"{query(site='example', url=url)}&title={title}", PLAN)
    assert 1 << 18 < _kept(kept) < 1 << 20


def test_a_query_in_use_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "VIEWS_MAX", 8)
    kept, asked = Answers("https://ads.example"), query(site="example", url="https://news.example/")
    view = kept.view(asked, PLAN)
    for n in range(100):
        kept.view(f"{asked}{n}", PLAN)
        assert kept.view(asked, PLAN) is view
    assert len(kept._views) + len(kept._older) <= 8


@given(st.text(max_size=40))
@example("C:\\u0000")
@example("\\\\u0001 \\u007f \0\1")
@example('"},{"')
def test_any_words_of_ours_come_back_as_they_are(text: str) -> None:
    campaign = CATALOG.campaigns["vital-signs"]
    creative = replace(campaign.creatives[0], headline=text, body=text, cta=text)
    site = replace(CATALOG.sites["example"], labels=Labels(advertisement=text, share=text))
    some = plan(replace(CATALOG, sites={**CATALOG.sites, site.id: site}))
    kept = Answers("https://ads.example")
    view = kept.view(query(site=site.id, url="https://news.example/a", title=text), some)
    ranked = (Choice(campaign, creative, 1, 1), Choice(campaign, creative, 2, 1))
    made = Decision("the-token", Arm.NONE, (ranked,) * len(view.page.placements))
    decision = json.loads(kept.render(view, made))
    assert decision["token"] == "the-token"
    for placement, offer in decision["placements"].items():
        (other,) = offer["alternates"]
        click = f"https://ads.example/c/the-token/{placement}"
        assert [offer["click"], other["click"]] == [click, f"{click}/1"]
        for one in (offer, other):
            assert [one[name] for name in ("label", "headline", "body", "cta")] == [text] * 4
    asked = "u=https%3A%2F%2Fnews.example%2Fa"
    for row in decision["share"]:
        assert row["label"] == text.replace("{network}", CATALOG.networks[row["network"]].name)
        address, _, said = row["url"].partition("?")
        assert address == f"https://ads.example/s/the-token/{row['network']}"
        assert said.startswith(asked)


def test_a_new_catalogue_changes_what_it_says_otherwise_and_keeps_the_rest() -> None:
    kept, asked = Answers("https://ads.example"), query(site="example", url="https://news.example/")
    campaign, site = CATALOG.campaigns["vital-signs"], CATALOG.sites["example"]

    def answered(some: Plan) -> dict[str, Any]:
        view = kept.view(asked, some)
        shown = some.catalog.campaigns[campaign.id]
        choice = Choice(shown, shown.creatives[0], 1, 1)
        made = Decision("the-token", Arm.NONE, ((choice,),) * len(view.page.placements))
        decision: dict[str, Any] = json.loads(kept.render(view, made))
        return decision

    before, view = answered(PLAN), kept.view(asked, PLAN)
    assert before["placements"]["top"]["headline"] == campaign.creatives[0].headline

    worded = replace(campaign, creatives=(replace(campaign.creatives[0], headline="New"),))
    changed = plan(replace(CATALOG, campaigns={**CATALOG.campaigns, campaign.id: worded}))
    assert answered(changed)["placements"]["top"]["headline"] == "New"
    assert kept.view(asked, changed) is view  # its site is what it was

    networks = {name: replace(one, name=one.name.upper()) for name, one in CATALOG.networks.items()}
    shared = answered(plan(replace(CATALOG, networks=networks)))["share"]
    assert [one["label"] for one in shared] == [
        "Share on FACEBOOK", "Share on TWITTER", "Share on REDDIT", "Share on LINKEDIN",
    ]  # fmt: skip

    other = replace(site, labels=Labels(advertisement="Anzeige"), share=site.share[:1])
    elsewhere = answered(plan(replace(CATALOG, sites={**CATALOG.sites, site.id: other})))
    assert elsewhere["placements"]["bottom"]["label"] == "Anzeige"
    assert len(elsewhere["share"]) == 1
    assert answered(PLAN) == before
