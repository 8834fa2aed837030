"""Sites as people write them, with everything a single file can tell is wrong.

Whether a network exists is checked where all files are known.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator, model_validator
from pydantic import WithJsonSchema as Schema

from service.adapters.catalog_languages import check_language
from service.adapters.catalog_types import (
    ArmName,
    HttpsUrl,
    Identifier,
    OneLine,
    Strict,
    Unique,
    faults,
    host_of,
    repeated_codes,
)
from service.adapters.catalog_zones import check_zone
from service.domain.articles import ArticlePattern, canonical_article
from service.domain.errors import BadInput

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def _origin(value: str) -> str:
    scheme, _, host = value.partition("://")
    if scheme not in {"https", "http"} or not host or re.search(r"[/?#@*\s]", host):
        raise ValueError(f"write it as browsers do, https://host with no path, not {value[:60]!r}")
    if re.sub(r":[0-9]+\Z", "", host) in LOOPBACK:
        return value
    if (canonical := f"{scheme}://{host_of(host, scheme)}") != value:
        raise ValueError(f"write it as browsers do: {canonical}")
    return value


def _pattern(value: Any) -> ArticlePattern:
    if not isinstance(value, str):
        raise ValueError(f"write text, not {value!r:.40}")
    found = re.fullmatch(r"(https?)://(\*\.)?([^/?#\s]+)(/\S*)?", value)
    if found is None:
        raise ValueError(f"write it like https://news.example/*, not {value[:60]!r}")
    scheme, subdomains, host, path = found.groups()
    if "*" in host:
        raise ValueError(
            "put the * after a slash: without one it would also allow look-alike hosts "
            "(https://news.example.evil.example); only a leading *. may stand in a host"
        )
    if path is None:
        raise ValueError(f"say which paths: {value}/* allows all of them")
    if (canonical := host_of(host, scheme)) != host:
        raise ValueError(f"write the host as {canonical}")
    check_path(f"{scheme}://{host}", path)
    return ArticlePattern(scheme, host, subdomains is not None, path)


def check_path(origin: str, path: str) -> None:
    """Raise `ValueError` unless a path, under an origin, is as canonical addresses have it."""
    try:
        canonical = canonical_article(origin + path).url.removeprefix(origin)
    except BadInput as error:
        raise ValueError(error.message) from None
    if canonical != path:
        raise ValueError(f"never matches, addresses are compared like {canonical[:200]}")


Pattern = Annotated[
    ArticlePattern, PlainValidator(_pattern), Schema({"type": "string", "pattern": "^https?://"})
]


class PlacementModel(Strict):
    """A place on the page."""

    code: int = Field(ge=1, le=255)
    """number from 1 to 255 that tokens carry; never reuse one"""


def _placements(placements: dict[str, PlacementModel]) -> dict[str, PlacementModel]:
    faults("placements", repeated_codes(placements))
    return placements


def _share_label(value: str) -> str:
    if value.count("{network}") != 1 or re.search("[{}]", value.replace("{network}", "")):
        raise ValueError("needs {network} exactly once and no other braces")
    return value


class LabelsModel(Strict):
    """Words around ads and share links."""

    advertisement: Annotated[str, OneLine(40)] = "Advertisement"
    """word that marks an advertisement"""
    share: Annotated[str, OneLine(60), AfterValidator(_share_label)] = "Share on {network}"
    """text of a share link, with {network}"""


class ExperimentModel(Strict):
    """How page views are divided by article and hour."""

    salt: Annotated[str, OneLine(60)] = "1"
    """change it to deal the arms out anew"""
    holdout: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """share of all page views that sees no promotion, 0 to 0.5"""
    arms: dict[ArmName, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    """shares of all page views, like {a: 0.5, b: 0.5}; creatives name the arms that see them"""
    guard: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """share of page views in no arm and no holdout whose creatives keep the configured weights"""

    @model_validator(mode="after")
    def _fits(self) -> "ExperimentModel":
        total = self.holdout + sum(self.arms.values())
        if total > 1 + 1e-9:
            faults("experiment", [(("arms",), f"with the holdout they make {total:g}: at most 1")])
        return self


class SiteFile(Strict):
    """A publisher's site."""

    id: Identifier
    """the site's id, as the embed names it"""
    name: Annotated[str, OneLine(80)]
    """the site's name"""
    origins: Annotated[
        list[Annotated[str, AfterValidator(_origin)]], Unique, Field(min_length=1, max_length=100)
    ]
    """pages that may ask, like https://news.example"""
    articles: Annotated[list[Pattern], Field(min_length=1, max_length=100)]
    """addresses of articles, like https://news.example/*"""
    placements: Annotated[
        dict[Identifier, PlacementModel], AfterValidator(_placements), Field(min_length=1)
    ]
    """places for advertisements, each with its code"""
    share: Annotated[list[Identifier], Unique, Field(max_length=15)] = Field(default_factory=list)
    """networks to offer, in order"""
    fallback: HttpsUrl
    """https address where a click goes that nothing else can place"""
    language: Annotated[str, AfterValidator(check_language)] = "en"
    """the pages' language, a BCP 47 tag"""
    timezone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    """zone of the site's days in reports, like Europe/Paris"""
    labels: LabelsModel = LabelsModel()
    """words around ads and share links"""
    repeat: Literal["allow", "same", "never"] = "allow"
    """whether a page may show a campaign twice; same: with the same creative"""
    experiment: ExperimentModel = ExperimentModel()
    """how page views are divided to compare"""
