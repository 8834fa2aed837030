"""What deeds mean is kept for those that are alike, and no stranger chooses what is kept."""

import pytest

from service.domain.events import Kind
from service.flows import meanings
from service.flows.meanings import Deed, Meanings
from tests.example import ARTICLE, OTHER_ARTICLE
from tests.planning import plan
from tests.recording import CATALOG, IMPRESSION, TOKEN

CODEBOOK = plan(CATALOG).codebook
SHARE = Deed(Kind.SHARE, network="reddit")


def _kept(known: Meanings) -> int:
    return len(known._kept)


def test_what_is_alike_means_the_same_whoever_did_it() -> None:
    known = Meanings()
    first = known.of(IMPRESSION, TOKEN, CODEBOOK)
    assert known.of(IMPRESSION, TOKEN._replace(serial=9, issuer=9), CODEBOOK) is first
    assert first == Meanings().of(IMPRESSION, TOKEN, CODEBOOK)
    assert known.of(IMPRESSION, TOKEN._replace(offers=TOKEN.offers[1:2]), CODEBOOK).offered is False


def test_another_codebook_has_other_meanings() -> None:
    known, other = Meanings(), plan(CATALOG).codebook
    first = known.of(IMPRESSION, TOKEN, CODEBOOK)
    again = known.of(IMPRESSION, TOKEN, other)
    assert again == first
    assert again is not first
    assert _kept(known) == 1


def test_a_share_of_another_article_is_not_offered_however_often_its_own_was() -> None:
    known = Meanings()
    mine, others = SHARE._replace(article=ARTICLE), SHARE._replace(article=OTHER_ARTICLE)
    found = [known.of(deed, TOKEN, CODEBOOK).offered for deed in (mine, others, mine, SHARE)]
    assert found == [True, False, True, True]


@pytest.mark.parametrize("number", range(3))
def test_words_that_a_kind_does_not_go_by_are_not_kept(number: int) -> None:
    known = Meanings()
    for word in map(str, range(50)):
        view = Deed(Kind.VIEW, placement=word, creative=word, network=word)
        share = SHARE._replace(placement=word, creative=word)
        deed = (view, share, IMPRESSION._replace(network=word))[number]
        assert known.of(deed, TOKEN, CODEBOOK).offered
        assert not known.of(IMPRESSION._replace(creative=word), TOKEN, CODEBOOK).offered
    assert _kept(known) == 1


def test_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanings, "KEPT_MAX", 4)
    known = Meanings()
    for source in range(20):
        known.of(IMPRESSION, TOKEN._replace(source=source), CODEBOOK)
        assert _kept(known) <= 4
