"""YAML text to plain values that remember their lines; knows nothing of what they mean.

Plain words follow YAML 1.2's core schema. What YAML 1.1 reads differently (`no`, `1:30`, `010`)
is refused rather than guessed. Aliases, anchors, tags and duplicate keys are refused, so a small
file cannot grow large and nobody's line is lost in silence.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

DEPTH_MAX = 12
FieldPath = tuple[str | int, ...]

_TRAP = re.compile(
    r"(?P<bool>[Yy]es|YES|[Nn]o|NO|[Oo]n|ON|[Oo]ff|OFF)"
    r"|(?P<clock>[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)"
    r"|(?P<number>[-+]?0[0-9_]+|[-+]?0[box][0-9a-fA-F_]+|[-+]?[0-9]+_[0-9_]*)"
)
_TRAP_MESSAGES = {
    "bool": "`{}` without quotes is true or false to some readers of YAML: "
    'write true or false, or "{}" if it is a word',
    "clock": '`{}` without quotes is a number in base 60 to some readers of YAML: write "{}"',
    "number": "`{}` is a different number to different readers of YAML: "
    'write it in plain decimal, or "{}" if it is text',
}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,40}|[0-9]{1,40}(?:\.[0-9]{0,40})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The line (1-based) on which a value begins, and the marks of what is inside it."""

    line: int
    inside: dict[str | int, "Marks"]

    def line_of(self, path: FieldPath) -> int:
        """Return the line of the value at `path`, or of the nearest thing around it."""
        at = self
        for step in path:
            found = at.inside.get(step)
            if found is None:
                break
            at = found
        return at.line


@dataclass(frozen=True, slots=True)
class Fault:
    """Something no configuration may hold, found while reading: its path, line and remedy."""

    path: FieldPath
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """One YAML document: its value (mappings, lists, text, numbers, None) and its marks."""

    value: Any
    marks: Marks


def parse(text: str) -> tuple[list[Parsed], list[Fault]]:
    """Return the documents of a text and every fault; a syntax error ends the reading."""
    reader = _Reader()
    documents: list[Parsed] = []
    try:
        for event in reader.follow(text):
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            first = next(reader.events)
            line = _line(event if isinstance(first, yaml.ScalarEvent) else first)
            inside: dict[str | int, Marks] = {}
            documents.append(Parsed(reader.value(first, (), inside), Marks(line, inside)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.faults.append(Fault((), mark.line + 1 if mark else 1, _syntax(error)))
    except yaml.reader.ReaderError:
        reader.faults.append(Fault((), 1, "holds a character that YAML does not allow: remove it"))
    except _TooDeepError as error:
        message = f"is nested deeper than {DEPTH_MAX} levels; nothing here needs more than 6"
        reader.faults.append(Fault((), error.line, message))
    return documents, reader.faults


class _TooDeepError(Exception):
    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Reader:
    """Folds the C parser's events into values, collecting faults as it goes."""

    def __init__(self) -> None:
        self.events: Iterator[Any] = iter(())
        self.faults: list[Fault] = []

    def follow(self, text: str) -> Iterator[Any]:
        self.events = yaml.parse(text, Loader=yaml.CSafeLoader)
        return self.events

    def value(self, event: Any, path: FieldPath, inside: dict[str | int, Marks]) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_names(event, path)
            return self._scalar(event, path) if event.implicit[0] else event.value
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, path, f"write the value out: alias *{event.anchor} is not allowed")
            return None
        self._refuse_names(event, path)
        if len(path) >= DEPTH_MAX:
            raise _TooDeepError(_line(event))
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, inside)
        return self._sequence(path, inside)

    def _mapping(self, path: FieldPath, inside: dict[str | int, Marks]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key, marks = self._key(event, path), Marks(_line(event), {})
            value = self.value(next(self.events), (*path, key), marks.inside)
            if key in found:
                first = inside[key].line
                self.faults.append(
                    Fault((*path, key), marks.line, f"is already written on line {first}: keep one")
                )
                continue
            found[key], inside[key] = value, marks
        return found

    def _key(self, event: Any, path: FieldPath) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._fault(event, path, "write every key as a plain word")
            self.value(event, (*path, "?"), {})
            return "?"
        self._refuse_names(event, path)
        if event.implicit[0]:
            self._scalar(event, (*path, event.value))
        return str(event.value)

    def _sequence(self, path: FieldPath, inside: dict[str | int, Marks]) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            index = len(found)
            marks = inside[index] = Marks(_line(event), {})
            found.append(self.value(event, (*path, index), marks.inside))
        return found

    def _scalar(self, event: Any, path: FieldPath) -> Any:
        word: str = event.value
        if word in _WORDS:
            return _WORDS[word]
        if word[0] not in "+-.0123456789yYnNoO":
            return word
        if trap := _TRAP.fullmatch(word):
            message = _TRAP_MESSAGES[str(trap.lastgroup)].format(word[:40], word[:40])
            self._fault(event, path, message)
            return word
        if _INT.fullmatch(word):
            return int(word)
        return float(word) if _FLOAT.fullmatch(word) else word

    def _refuse_names(self, event: Any, path: FieldPath) -> None:
        if event.anchor is not None:
            self._fault(event, path, f"remove &{event.anchor}: anchors are not allowed")
        if event.tag is not None:
            self._fault(event, path, f"remove {event.tag}: tags are not allowed")

    def _fault(self, event: Any, path: FieldPath, message: str) -> None:
        self.faults.append(Fault(path, _line(event), message))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "cannot be read"
    hint = "check the indentation, the quotes and the brackets here and on the line before"
    if "cannot start any token" in problem or "tab character" in problem:
        hint = "indent by spaces, never tabs, and quote text that begins with @, ` or %"
    elif "mapping values are not allowed" in problem:
        hint = "quote text that holds `: `, or check the indentation"
    return f"is not YAML ({problem}): {hint}"
