"""Reads HTML as strictly as a person would write it: every tag closed, in order; mends nothing."""

from collections.abc import Sequence
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
Attributes = dict[str, str]


class Markup(HTMLParser):
    """The elements of a document, in order, as (tag, attributes, own text)."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Attributes, list[str]]] = []
        self._open: list[int] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert not self._open, [self.elements[at][0] for at in self._open]

    def all(self, tag: str) -> list[Attributes]:
        """Return the attributes of every element of a tag."""
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def texts(self, tag: str) -> list[str]:
        """Return the own text of every element of a tag."""
        return ["".join(text) for name, _, text in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), attrs
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag, tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open:
            self.elements[self._open[-1]][2].append(data)
