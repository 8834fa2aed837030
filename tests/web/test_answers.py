"""The kept pieces of decisions: bounded, however many and long the queries of strangers are."""

import pytest

from service.web import answers
from service.web.answers import Answers
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
