"""Whom a campaign is for, as people write it: the one table of dimensions that files may use."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from service.adapters.catalog_countries import check_country
from service.adapters.catalog_languages import check_language
from service.adapters.catalog_site_models import check_path
from service.adapters.catalog_types import Identifier, Strict, Unique
from service.domain.times import WEEKDAYS

PlatformName = Literal["ios", "android", "desktop", "unknown"]
WeekdayName = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_PATH = re.compile(r"/[!-~]{0,200}")
_WORD_CHARS_MAX = 60
_HOURS = 24


def _language(value: str) -> str:
    return check_language(value).lower()


def _word(value: str) -> str:
    word = " ".join(value.split())
    if not word or len(word) > _WORD_CHARS_MAX:
        raise ValueError(f"write 1 to {_WORD_CHARS_MAX} characters")
    return word.casefold()


def _tag(value: str) -> str:
    word = _word(value)
    if "," in word:
        parts = ", ".join(part.strip() for part in word.split(",") if part.strip())
        message = "never matches: pages send tags with commas between them; write"
        raise ValueError(f"{message} [{parts}]" if parts else f"{message} words")
    return word


def _path(value: str) -> str:
    if not _PATH.fullmatch(value) or "?" in value or "#" in value:
        raise ValueError(f"write a path like /world/*, percent-encoded, not {value[:60]!r}")
    check_path("https://a.example", value)  # whatever the site
    return value


def _hour(value: int) -> int:
    if not 0 <= value < _HOURS:
        raise ValueError("write full hours from 0 to 23")
    return value


Some = Field(min_length=1, max_length=2_000)
Language = Annotated[str, AfterValidator(_language)]
Country = Annotated[str, AfterValidator(check_country)]
Word = Annotated[str, AfterValidator(_word)]
Tag = Annotated[str, AfterValidator(_tag)]
Path = Annotated[str, AfterValidator(_path)]
Hour = Annotated[int, AfterValidator(_hour)]


class Targeting(Strict):
    """Readers and pages by dimension; all that are named must fit."""

    site: Annotated[list[Identifier], Unique, Some] | None = None
    """ids of sites"""
    placement: Annotated[list[Identifier], Unique, Some] | None = None
    """ids of placements"""
    platform: Annotated[list[PlatformName], Unique, Some] | None = None
    """platforms: ios, android, desktop, unknown"""
    country: Annotated[list[Country], Unique, Some] | None = None
    """countries, two letters of ISO 3166 like DE; ZZ for unknown"""
    language: Annotated[list[Language], Unique, Some] | None = None
    """languages of the page, like en or pt-BR; en takes en-GB too"""
    section: Annotated[list[Word], Unique, Some] | None = None
    """sections of the site, as its pages name them"""
    tag: Annotated[list[Tag], Unique, Some] | None = None
    """tags without commas, as pages name them; a page may have many"""
    path: Annotated[list[Path], Unique, Some] | None = None
    """paths of articles, like /world/*; `*` is any text"""
    source: Annotated[list[Identifier], Unique, Some] | None = None
    """networks whose shares brought the reader, or direct"""
    shared: Annotated[list[Literal["yes", "no"]], Unique, Some] | None = None
    """[yes]: only readers whom a share brought; [no]: only others"""
    weekday: Annotated[list[WeekdayName], Unique, Some] | None = None
    """days of the week in the campaign's zone, like [monday]"""
    hour: Annotated[list[Hour], Some] | None = None
    """hours of the day in the campaign's zone, 0 to 23"""

    def values(self) -> dict[str, frozenset[str]]:
        """Return the named dimensions, each with its values as text."""
        given = self.model_fields_set  # few of twelve, and each campaign is asked several times
        named = {name: getattr(self, name) for name in type(self).model_fields if name in given}
        return {
            name: frozenset(str(value) for value in values)
            for name, values in named.items()
            if values is not None
        }


CLOSED_DIMENSIONS = {
    "platform": frozenset(get_args(PlatformName)),
    "shared": frozenset({"yes", "no"}),
    "weekday": frozenset(WEEKDAYS),
    "hour": frozenset(str(hour) for hour in range(_HOURS)),
}
