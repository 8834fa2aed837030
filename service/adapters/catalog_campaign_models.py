"""Campaigns as people write them, with everything a single file can tell is wrong.

Whom a campaign is for is beside, in `catalog_targeting`.
"""

from itertools import combinations
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from service.adapters.catalog_dimensions import spared
from service.adapters.catalog_targeting import CLOSED_DIMENSIONS, Targeting
from service.adapters.catalog_types import (
    ArmName,
    Found,
    Hour,
    HttpsUrl,
    Identifier,
    OneLine,
    Strict,
    Unique,
    faults,
)
from service.adapters.catalog_zones import check_zone

WEIGHT_MAX = 1_000_000
_COUNT_MAX = 10**12


def _weight(value: float) -> float:
    if value <= 0:
        raise ValueError("must be above 0: to stop showing it use `paused: true` or remove it")
    if value > WEIGHT_MAX:
        raise ValueError(f"must be at most {WEIGHT_MAX}")
    return value


Weight = Annotated[float, Field(json_schema_extra={"exclusiveMinimum": 0}), AfterValidator(_weight)]


class GoalModel(Strict):
    """What a flight should deliver: impressions or clicks, in all, per day, or both."""

    impressions: int | None = Field(None, gt=0, le=_COUNT_MAX)
    """valid impressions in all"""
    clicks: int | None = Field(None, gt=0, le=_COUNT_MAX)
    """valid clicks in all"""
    per_day: int | None = Field(None, gt=0, le=_COUNT_MAX)
    """at most this many per day of the campaign's zone"""

    @model_validator(mode="after")
    def _one_unit(self) -> "GoalModel":
        if (self.impressions is None) == (self.clicks is None):
            raise ValueError("name exactly one of impressions and clicks")
        return self


class FlightModel(Strict):
    """A half-open run of full UTC hours."""

    start: Hour
    """first moment, a full UTC hour like 2026-01-31T18:00:00Z"""
    end: Hour | None = None
    """first moment after it; left out: no end"""
    goal: GoalModel | None = None
    """what it should deliver"""

    @model_validator(mode="after")
    def _forwards(self) -> "FlightModel":
        if self.end is not None and self.end <= self.start:
            faults("flight", [(("end",), "must be later than start")])
        return self


def _apart(flights: list[FlightModel]) -> list[FlightModel]:
    found: list[Found] = []
    for (i, first), (k, second) in combinations(enumerate(flights), 2):
        begins, ends = max(first.start, second.start), [first.end, second.end]
        if all(end is None or begins < end for end in ends):
            found.append(((k, "start"), f"flight {k + 1} overlaps flight {i + 1}: move one apart"))
    faults("flights", found)
    return flights


class CapModel(Strict):
    """A bound for one browser."""

    max: int = Field(ge=1, le=1_000)
    """impressions to one browser, at least 1"""
    hours: int = Field(ge=1, le=720)
    """span in hours, 1 to 720"""


class ImageModel(Strict):
    """A picture; all four keys are required, so that nothing shifts and nobody is left out."""

    url: HttpsUrl
    """https address of the picture"""
    width: int = Field(ge=1, le=4_096)
    """width in CSS pixels, 1 to 4096"""
    height: int = Field(ge=1, le=4_096)
    """height in CSS pixels, 1 to 4096"""
    alt: Annotated[str, OneLine(200)]
    """what the picture shows, for those who cannot see it"""


class CreativeModel(Strict):
    """What a reader sees."""

    id: Identifier
    """the creative's id, unique among all campaigns"""
    headline: Annotated[str, OneLine(90)]
    """headline of 1 to 90 characters"""
    body: Annotated[str, OneLine(300)] | None = None
    """text of up to 300 characters"""
    cta: Annotated[str, OneLine(30)] | None = None
    """words of the button, up to 30 characters"""
    image: ImageModel | None = None
    """picture"""
    weight: Weight = 1.0
    """share among the campaign's creatives"""
    placements: Annotated[list[Identifier], Unique, Field(min_length=1)]
    """placements it fits, like [top, bottom]"""
    arms: Annotated[list[ArmName], Unique, Field(min_length=1)] | None = None
    """arms of the site's experiment that see it, like [a]; left out: all"""


class CampaignFile(Strict):
    """Creatives of one app, when and to whom they may show."""

    id: Identifier
    """the campaign's id"""
    app: Identifier
    """id of the app advertised"""
    tier: Literal["sponsorship", "standard", "house"]
    """sponsorship, standard or house: the first tier with candidates wins"""
    weight: Weight = 1.0
    """share among the tier's campaigns"""
    paused: bool = False
    """true stops it"""
    sponsored: bool = False
    """true marks links as paid for"""
    sites: Annotated[list[Identifier], Unique, Field(min_length=1)] | None = None
    """ids of sites; left out: all"""
    flights: Annotated[
        list[FlightModel], Field(min_length=1, max_length=100), AfterValidator(_apart)
    ]
    """when it runs, like [{start: 2026-01-01T00:00:00Z}]"""
    target: Targeting = Targeting()
    """only these readers"""
    exclude: Targeting = Targeting()
    """never these readers"""
    cap: CapModel | None = None
    """bound for one browser"""
    timezone: Annotated[str, AfterValidator(check_zone)] = "UTC"
    """zone of weekdays, hours and days, like Europe/Paris"""
    exclusive: bool = False
    """true: in the places where it may show, nobody else of its tier does"""
    competes: Annotated[list[Identifier], Unique, Field(max_length=20)] = Field(
        default_factory=list
    )
    """words for what it competes in: campaigns that share one are never on a page together"""
    pacing: Literal["even", "front"] = "even"
    """even: along the traffic; front: faster at first"""
    optimise: bool = True
    """false: creatives keep their weights whatever they bring"""
    creatives: Annotated[list[CreativeModel], Field(min_length=1, max_length=200)]
    """what readers see, at least one"""

    @field_validator("exclude")
    @classmethod
    def _leaves_somebody(cls, exclude: Targeting, info: ValidationInfo) -> Targeting:
        target = info.data.get("target")
        if target is None:  # it has faults of its own
            return exclude
        wanted = {**CLOSED_DIMENSIONS, **target.values()}
        found: list[Found] = [
            ((name,), f"leaves no {name} that target allows: name fewer")
            for name, refused in exclude.values().items()
            if name in wanted and not spared(name, wanted[name], refused)
        ]
        faults("exclude", found)
        return exclude
