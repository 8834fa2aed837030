"""The kept pieces of decisions: bounded, however many and long the queries of strangers are."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.domain.ads import Labels
from service.domain.choosing import Choice
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
