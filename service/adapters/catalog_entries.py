"""What one file says, read once: documents, checked models, their values; sees no other file."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from service.adapters.catalog_build import Value, value_of
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import creative_ids
from service.adapters.catalog_contradictions import contradictions
from service.adapters.catalog_documents import Document, read_documents
from service.adapters.catalog_files import Source
from service.adapters.catalog_messages import complaints
from service.adapters.catalog_models import AppFile, NetworksFile
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
    """A document and, where it is sound by itself, its model."""

    document: Document
    model: BaseModel | None
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
    entries = tuple(Entry(document, _model(document, problems)) for document in documents)
    for entry in entries:
        if isinstance(entry.model, CampaignFile):
            problems += contradictions(entry.document, entry.model)
    return Understood(entries, tuple(problems))


def _model(document: Document, problems: list[Problem]) -> BaseModel | None:
    if not document.data:
        return None
    model = MODELS[document.kind]
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems += [document.problem(path, text) for path, text in complaints(error, model)]
        return None
