"""The words of the configuration as checked types: ids, lines of text, addresses, hours, dates.

Each type says what would be right when it refuses, and describes itself in the JSON Schema.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
)
from pydantic import WithJsonSchema as Schema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_core.core_schema import no_info_after_validator_function

from service.domain.articles import URL_CHARS_MAX, canonical_article, canonical_host
from service.domain.errors import BadInput

ID = re.compile(r"[a-z0-9-]{1,40}")
RESERVED_ID = "other"  # what metrics and reports call everything they do not name
_URL_SAFE = re.compile(r"[A-Za-z0-9!#$%&'()*+,/:;=?@\[\]~._-]+")
_INSTANT = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d)?) ?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII
)
_YEARS = range(2000, 2200)
_BIDI_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


ArmName = Literal["a", "b", "c", "d", "e", "f"]
Found = tuple[tuple[str | int, ...], str]
"""A fault inside a value: its path from there, and what would be right."""


class Strict(BaseModel):
    """A mapping with known keys only and values of exactly the stated types."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


@dataclass(frozen=True, slots=True)
class OneLine:
    """Marks a text of one line, 1 to `most` characters, not blank, nothing invisible that acts."""

    most: int

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after the text is known to be text."""
        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the length."""
        return {**handler(schema), "minLength": 1, "maxLength": self.most}

    def check(self, value: str) -> str:
        """Return the text, or raise `ValueError` with what would be right."""
        if not value.strip():
            raise ValueError(f"must not be blank: write 1 to {self.most} characters")
        if len(value) > self.most:
            raise ValueError(f"shorten it to {self.most} characters; it has {len(value)}")
        for character in value:
            if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
                raise ValueError(f"remove U+{ord(character):04X}: one line of plain text, please")
            if character in _BIDI_OVERRIDES:
                raise ValueError(f"remove U+{ord(character):04X}: it reverses text around it")
        return value


def _identifier(value: str) -> str:
    if not ID.fullmatch(value):
        raise ValueError(f"use 1 to 40 of a-z, 0-9 and hyphen, not {value[:60]!r}")
    if value == RESERVED_ID:
        raise ValueError(f"`{value}` is what reports call the rest: choose another id")
    return value


Identifier = Annotated[
    str, AfterValidator(_identifier), Schema({"type": "string", "pattern": f"^{ID.pattern}$"})
]


def faults(title: str, found: list[Found]) -> None:
    """Raise one `ValidationError` that holds every (path, message), or return if there are none."""
    if not found:
        return
    details: list[InitErrorDetails] = []
    for path, message in found:
        error = PydanticCustomError("catalog", "{reason}", {"reason": message})
        details.append({"type": error, "loc": path, "input": None})
    raise ValidationError.from_exception_data(title, details)


def repeated_codes(entries: dict[str, Any]) -> list[Found]:
    """Return a fault for every entry whose code an earlier entry has."""
    owner: dict[int, str] = {}
    found: list[Found] = []
    for name, entry in entries.items():
        first = owner.setdefault(entry.code, name)
        if first != name:
            message = f"{entry.code} is the code of `{first}` already: choose another"
            found.append(((name, "code"), message))
    return found


def _unique(values: list[str]) -> list[str]:
    again = [i for i, value in enumerate(values) if value in values[:i]]
    faults("list", [((i,), f"`{values[i]}` is in this list already: keep one") for i in again])
    return values


Unique = AfterValidator(_unique)


def host_of(netloc: str, scheme: str) -> str:
    """Return the canonical host (and port), or raise `ValueError` with what would be right."""
    try:
        return canonical_host(netloc, scheme, "host")
    except BadInput as error:
        raise ValueError(error.message) from None


def https_url(value: str) -> str:
    """Return an absolute https address that can stand in a Location header as it is."""
    if not value.startswith("https://"):
        raise ValueError(f"start it with https://, not {value[:30]!r}")
    if len(value) > URL_CHARS_MAX:
        raise ValueError(f"shorten it to {URL_CHARS_MAX} characters")
    if not _URL_SAFE.fullmatch(value):
        raise ValueError("percent-encode spaces, quotes and everything that is not ASCII")
    try:
        canonical_article(value)
    except BadInput as error:
        raise ValueError(error.message) from None
    return value


HttpsUrl = Annotated[str, AfterValidator(https_url), Schema({"type": "string", "format": "uri"})]


def _from_text(convert: Callable[[str], Any]) -> PlainValidator:
    def convert_text(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"write text, not {value!r:.40}")
        return convert(value)

    return PlainValidator(convert_text)


def _hour(text: str) -> int:
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ValueError(f"write it like 2026-01-31T18:00:00Z, not {text[:40]!r}")
    if found["zone"] is None:
        raise ValueError(f"say in which zone {text} is: append Z for UTC, or an offset like +02:00")
    try:
        instant = datetime.fromisoformat((found["at"] + found["zone"]).upper())
    except ValueError as error:
        raise ValueError(f"{text} does not exist ({error})") from None
    if instant.year not in _YEARS:
        raise ValueError(f"write a year from {_YEARS[0]} to {_YEARS[-1]}")
    hours, rest = divmod(int((instant - datetime.fromtimestamp(0, UTC)).total_seconds()), 3_600)
    if rest:
        raise ValueError("flights begin and end on full UTC hours: round it to one")
    return hours


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if len(text) == len("2026-01-31") else "")
    except ValueError:
        raise ValueError(f"write a day like 2026-01-31, not {text[:40]!r}") from None


Hour = Annotated[int, _from_text(_hour), Schema({"type": "string", "format": "date-time"})]
Day = Annotated[date, _from_text(_day), Schema({"type": "string", "format": "date"})]
