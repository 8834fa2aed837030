"""A validator's complaints as sentences that name the remedy; quotes at most 60 characters."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from service.adapters.catalog_yaml import FieldPath

_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_SHAPES = {
    "list_type": "write a list, like [a, b] or one `- …` line for each",
    "dict_type": "write `key: value` lines, or {key: value}",
    "model_type": "write `key: value` lines, or {key: value}",
    "bool_type": "write true or false",
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
    "finite_number": "write a finite number",
}
_GIVEN_CHARS = 60  # of a value that a message repeats


@dataclass(frozen=True, slots=True)
class _Complaint:
    kind: str
    key: str
    given: Any
    context: dict[str, Any]
    owner: type[BaseModel]
    field: FieldInfo | None

    def described(self) -> str:
        return (self.field.description if self.field else None) or "give a value or remove the key"


def complaints(
    details: Iterable[ErrorDetails], model: type[BaseModel]
) -> Iterable[tuple[FieldPath, str]]:
    """Yield (path, sentence) for every complaint of a validation."""
    for detail in details:
        path = detail["loc"]
        if path and path[-1] == "[key]":  # a mapping's key, complained of at its own line
            path = path[:-1]
        yield path, _sentence(detail, model)


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, path, given = detail["type"], detail["loc"], detail["input"]
    owner, field = _owner(model, path)
    key = str(path[-1]) if path else ""
    complaint = _Complaint(kind, key, given, detail.get("ctx", {}), owner, field)
    if given is None and kind not in _ABOUT_KEYS:
        return f"is empty: {complaint.described()}"
    write = _SENTENCES.get(kind)
    return write(complaint) if write else str(detail["msg"])


def _unknown_key(complaint: _Complaint) -> str:
    owner, key = complaint.owner, complaint.key
    known = list(owner.model_fields)
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean `{close[0]}`? " if close else ""
    return f"is not a key here; {hint}keys are {', '.join(known)}"


def _not_text(complaint: _Complaint) -> str:
    given = complaint.given
    if isinstance(given, bool):
        word = "true" if given else "false"
        return f'write text; put the word in quotes: "{word}"'
    if isinstance(given, int | float):
        return f'write text; put the number in quotes: "{given}"'
    return f"write text, not {_quoted(given)}"


def _not_among(complaint: _Complaint) -> str:
    given, expected = complaint.given, str(complaint.context["expected"])
    words = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    close = get_close_matches(str(given), words, n=1, cutoff=0.7)
    hint = f"; did you mean {close[0]}?" if close else ""
    return f"write one of {', '.join(words)}, not {_quoted(given)}{hint}"


def _quoted(given: Any) -> str:
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    if isinstance(given, bool):
        return "true" if given else "false"
    text = repr(given)
    return text if len(text) <= _GIVEN_CHARS else text[: _GIVEN_CHARS - 1] + "…"


def _out_of_bounds(complaint: _Complaint) -> str:
    words, key = _BOUNDS[complaint.kind]
    return f"must be {words} {complaint.context[key]}, not {_quoted(complaint.given)}"


def _wrong_count(complaint: _Complaint) -> str:
    if complaint.kind == "too_short":
        return f"needs at least {complaint.context['min_length']}: {complaint.described()}"
    return f"holds more than {complaint.context['max_length']}: keep the needed ones"


def _owner(model: type[BaseModel], path: FieldPath) -> tuple[type[BaseModel], FieldInfo | None]:
    """Return the innermost model on the way to `path`, and the last field passed."""
    owner, field, inner = model, None, model
    steps = iter(path)
    for step in steps:
        owner = inner
        if step not in owner.model_fields:
            break
        field = owner.model_fields[str(step)]
        inner = _model_in(field.annotation) or inner
        if _is_collection(field.annotation):
            next(steps, None)
    return owner, field


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model), None)


def _is_collection(annotation: Any) -> bool:
    if get_origin(annotation) in {list, dict}:
        return True
    return any(_is_collection(argument) for argument in get_args(annotation))


_ABOUT_KEYS = frozenset({"missing", "extra_forbidden", "catalog"})
_SENTENCES: dict[str, Callable[[_Complaint], str]] = {
    "value_error": lambda complaint: str(complaint.context["error"]),
    "missing": lambda complaint: f"is required: {complaint.described()}",
    "extra_forbidden": _unknown_key,
    "string_type": _not_text,
    "literal_error": _not_among,
    "too_short": _wrong_count,
    "too_long": _wrong_count,
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
    **dict.fromkeys(
        ("string_pattern_mismatch", "string_too_long"),
        lambda complaint: f"is not the {complaint.described()}: {_quoted(complaint.given)}",
    ),
    **dict.fromkeys(
        _SHAPES, lambda complaint: f"{_SHAPES[complaint.kind]}, not {_quoted(complaint.given)}"
    ),
}
