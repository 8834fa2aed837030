"""Which language tags name a language that there is, by the registry of BCP 47; holds no names.

A language that has a two-letter code is written with it: pages do so, as BCP 47 asks, and a tag is
compared as text.
"""

import re
from functools import lru_cache

from langcodes import standardize_tag, tag_is_valid

TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")
_SHOWN_CHARS = 40
_KINDS = {2: "region of ISO 3166 like GB", 4: "script of ISO 15924 like Latn"}  # by length
# Countries' codes that people write for their languages, where no language has that code.
_OF_COUNTRIES = {
    "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "jp": "ja", "ua": "uk", "us": "en",
    "vn": "vi",
}  # fmt: skip


@lru_cache(maxsize=4_096)  # a catalogue of thousands names few languages
def check_language(value: str) -> str:
    """Return a language tag as it is, or raise `ValueError` with what would be right."""
    if not TAG.fullmatch(value):
        raise ValueError(f"write a language tag like en or pt-BR, not {value[:_SHOWN_CHARS]!r}")
    written, *others = value.split("-")
    language = written.lower()
    if not tag_is_valid(language):
        near = _OF_COUNTRIES.get(language)
        hint = f"; did you mean {near}?" if near else ": write a code of ISO 639 like en"
        raise ValueError(f"there is no language {language!r}{hint}")
    shorter = standardize_tag(language)
    if len(shorter) < len(language):
        tag = "-".join([shorter, *others])
        raise ValueError(f"write {tag}: pages use the two-letter code where there is one")
    for part in others:
        _check_part(language, part)
    if not tag_is_valid(value):
        raise ValueError(f"{value!r} is no tag of BCP 47: language, script, region, in this order")
    return value


def _check_part(language: str, part: str) -> None:
    """Raise `ValueError` if what follows a language is nothing that there is."""
    kingdom = part.lower() == "uk"  # which libraries forgive, though the registry has it not
    if kingdom or not tag_is_valid(f"{language}-{part}"):
        kind = _KINDS.get(len(part), "part of a language tag in the registry of BCP 47")
        hint = " (the United Kingdom is GB)" if kingdom else ""
        raise ValueError(f"{part!r} is no {kind}{hint}")
