"""What is sound of a document with faults, so that one fault hides no other; tells of none itself.

A field that is wrong is left out, or stood in for where it is required. Whoever judges the rest
must take such a field for anything at all: mending it must take back nothing that was told.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from service.adapters.catalog_yaml import FieldPath

_ROUNDS = 12  # in each something is left out; what is nested deepest leaves by four
_OF_CREATIVE = 3  # steps to a creative's keys
_SITE = "https://a.example"
_STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "site": {
        "id": "-", "name": "-", "origins": [_SITE], "articles": [f"{_SITE}/*"],
        "placements": {"-": {"code": 1}}, "fallback": _SITE,
    },
    "app": {"id": "-", "name": "-"},
    "campaign": {
        "id": "-", "app": "-", "tier": "house", "flights": [{"start": "2000-01-01T00:00:00Z"}],
    },
    "creatives": {"id": "-", "headline": "-"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rest:
    """A model of what is sound, and the names of its fields that could be anything."""

    model: BaseModel
    guessed: frozenset[str] = frozenset()


def sound_rest(
    kind: str, model: type[BaseModel], data: Mapping[str, Any], error: ValidationError
) -> tuple[Rest | None, list[ErrorDetails]]:
    """Return the rest of data that a validation refused, None if it cannot be told from faults.

    Beside it, what only now is found wrong in fields that nothing was left out of.
    """
    left, found = deepcopy(dict(data)), list[ErrorDetails]()
    faults = error.errors(include_url=False)
    guessed = {str(fault["loc"][0]) for fault in faults if fault["loc"]}
    if guessed - model.model_fields.keys():  # any of those left out may be what was meant
        guessed |= model.model_fields.keys() - data.keys()
    for _ in range(_ROUNDS):
        places = {_place(kind, left, fault["loc"]) for fault in faults}
        if () in places:
            break
        for place in sorted(places, key=len, reverse=True):
            _leave_out(kind, left, place)
        try:
            return Rest(model.model_validate(left), frozenset(guessed)), found
        except ValidationError as again:
            faults = again.errors(include_url=False)
        found += [fault for fault in faults if fault["loc"] and fault["loc"][0] not in guessed]
        guessed |= {str(fault["loc"][0]) for fault in faults if fault["loc"]}
    return None, found


def _place(kind: str, data: Any, path: FieldPath) -> FieldPath:
    """Return the innermost key on the way to a fault that is there, or may be stood in for."""
    if not path:
        return path
    inside, key = _inside(data, path[:-1]), path[-1]
    if isinstance(inside, dict) and (key in inside or key in _stand_ins(kind, path)):
        return path
    return _place(kind, data, path[:-1])


def _leave_out(kind: str, data: Any, path: FieldPath) -> None:
    inside, key = _inside(data, path[:-1]), path[-1]
    if key in inside:
        del inside[key]
    else:
        inside[key] = deepcopy(_stand_ins(kind, path)[str(key)])


def _stand_ins(kind: str, path: FieldPath) -> Mapping[str, Any]:
    """Return what may stand in beside the last step of a path: of the file, or of a creative."""
    if len(path) == 1:
        return _STAND_INS.get(kind, {})
    return _STAND_INS["creatives"] if path[0] == "creatives" and len(path) == _OF_CREATIVE else {}


def _inside(data: Any, path: FieldPath) -> Any:
    """Return the value at a path, None where there is none."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
