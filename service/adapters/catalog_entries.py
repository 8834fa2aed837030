"""What one file says, read once: documents, checked models, their values; sees no other file."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from service.adapters.catalog_build import Value, value_of
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import creative_ids
from service.adapters.catalog_contradictions import at_no_time, contradictions
from service.adapters.catalog_documents import Document, read_documents
from service.adapters.catalog_files import Source
from service.adapters.catalog_messages import complaints
from service.adapters.catalog_models import AppFile, NetworksFile
from service.adapters.catalog_rests import Rest, sound_rest
from service.adapters.catalog_site_models import SiteFile
from service.domain.errors import Problem

Names = tuple[str, str, tuple[str, ...]]
MODELS: Mapping[str, type[BaseModel]] = {
    "network": NetworksFile,
    "site": SiteFile,
    "app": AppFile,
    "campaign": CampaignFile,
}


@dataclass(slots=True, eq=False)
class Entry:
    """A document and, where it is sound by itself, its model.

    `rest` is what is sound of it, with the names of fields that may be anything; None where that
    cannot be told.
    """

    document: Document
    model: BaseModel | None
    rest: Rest | None
    _value: Value | None = None
    _names: Names | None = None

    def names(self) -> Names:
        """Return what no other document may be called: kind, id, and the ids of creatives."""
        if self._names is None:
            ids = tuple(name for _, _, name in creative_ids([self.document]))
            self._names = (self.document.kind, self.document.id, ids)
        return self._names

    def value(self) -> Value:
        """Return what the model describes: the same object however often it is asked for.

        Only of models that passed the checks between files too.
        """
        if self._value is None:
            assert self.model is not None
            self._value = value_of(self.model)
        return self._value


@dataclass(frozen=True, slots=True)
class Understood:
    """A file's entries, and all that is wrong with it whatever other files say."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def understood(source: Source) -> Understood:
    """Return what a file says."""
    problems: list[Problem] = []
    documents = read_documents(source, problems)
    entries = tuple(_entry(document, problems) for document in documents)
    for entry in entries:
        if entry.rest is not None and isinstance(entry.rest.model, CampaignFile):
            problems += contradictions(entry.document, entry.rest.model)
            if "timezone" not in entry.rest.guessed:
                problems += at_no_time(entry.document, entry.rest.model)
    return Understood(entries, tuple(problems))


def _entry(document: Document, problems: list[Problem]) -> Entry:
    if not document.data:
        return Entry(document, None, None)
    model = MODELS[document.kind]
    try:
        sound = model.model_validate(document.data)
    except ValidationError as error:
        rest, more = sound_rest(document.kind, model, document.data, error)
        details = [*error.errors(include_url=False), *more]
        problems += [document.problem(path, text) for path, text in complaints(details, model)]
        return Entry(document, None, rest)
    return Entry(document, sound, Rest(sound))
