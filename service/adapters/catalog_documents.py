"""Files to documents: decoding, YAML and the faults of both, each at its line; judges no field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.adapters.catalog_files import Source
from service.adapters.catalog_yaml import FieldPath, Marks, parse
from service.domain.errors import Problem

_UNPRINTABLE = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Document:
    """One thing that somebody wrote: its kind, file, values and their lines.

    `data` is empty where the file could not be understood; `id` is then the file's name.
    """

    kind: str
    file: str
    stem: str
    alone: bool
    data: Mapping[str, Any]
    marks: Marks

    @property
    def id(self) -> str:
        """The id as written, or the file's name where none can be read."""
        written = self.data.get("id")
        return written if isinstance(written, str) else self.stem

    def problem(self, path: FieldPath, message: str, *, warning: bool = False) -> Problem:
        """Return a problem of the field at `path`, at its line."""
        return Problem(self.file, self.marks.line_of(path), shown(path), message, warning)


def shown(path: FieldPath) -> str:
    """Return a path as people write it: `creatives[0].image.url`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "file"


def read_documents(source: Source, problems: list[Problem]) -> list[Document]:
    """Return the documents of a file, adding every fault of its text to `problems`."""
    file = str(source.path)
    text = _decoded(source, problems)
    if text is None:
        return [_unreadable(source)]
    parsed, faults = parse(text)
    problems += [Problem(file, fault.line, shown(fault.path), fault.message) for fault in faults]
    if faults and not parsed:
        return [_unreadable(source)]
    if not parsed:
        message = f"is empty: describe one {source.kind} or remove it"
        problems.append(Problem(file, 1, "file", message))
        return [_unreadable(source)]
    if source.kind == "network" and len(parsed) > 1:
        line = parsed[1].marks.line
        problems.append(Problem(file, line, "file", "holds two documents: keep one"))
    documents = []
    for entry in parsed:
        if not isinstance(entry.value, dict) or not entry.value:
            message = f"needs `key: value` lines that describe one {source.kind}"
            problems.append(Problem(file, entry.marks.line, "file", message))
        data = entry.value if isinstance(entry.value, dict) else {}
        stem, alone = source.path.stem, len(parsed) == 1
        documents.append(Document(source.kind, file, stem, alone, data, entry.marks))
    return documents


def _unreadable(source: Source) -> Document:
    return Document(source.kind, str(source.path), source.path.stem, True, {}, Marks(1, {}))


def _decoded(source: Source, problems: list[Problem]) -> str | None:
    file, content = str(source.path), source.content.removeprefix(_BOM)
    if content.startswith(_WIDE_BOMS):
        problems.append(Problem(file, 1, "file", "is UTF-16: save it as UTF-8"))
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"is not UTF-8 (byte 0x{content[error.start]:02x}): save it as UTF-8"
        problems.append(Problem(file, line, "file", message))
        return None
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        message = f"holds the invisible character U+{ord(bad[0]):04X}: remove it"
        problems.append(Problem(file, line, "file", message))
        return None
    return text
