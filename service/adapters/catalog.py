"""The configuration directory as one sound catalogue, or all of its problems at once.

Never half a catalogue: nothing is returned while any file, value or reference is wrong.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from service.adapters.catalog_build import build
from service.adapters.catalog_campaign_checks import campaign_checks
from service.adapters.catalog_campaign_models import CampaignFile
from service.adapters.catalog_checks import cross_check
from service.adapters.catalog_documents import Document, read_documents
from service.adapters.catalog_files import read_sources
from service.adapters.catalog_messages import complaints
from service.adapters.catalog_models import AppFile, NetworksFile
from service.adapters.catalog_site_models import SiteFile
from service.adapters.catalog_warnings import remarks
from service.domain.ads import Catalog
from service.domain.errors import BadConfiguration, Problem

MODELS: Mapping[str, type[BaseModel]] = {
    "network": NetworksFile,
    "site": SiteFile,
    "app": AppFile,
    "campaign": CampaignFile,
}


def load_catalog(
    directory: Path, *, now: datetime | None = None
) -> tuple[Catalog, tuple[Problem, ...]]:
    """Return the catalogue of a directory and its warnings; `now` is an aware time, else the clock.

    Raises `BadConfiguration` with every problem of every file, warnings included, in the order of
    files and lines. Files are named as `directory` was given.
    """
    now = now or datetime.now(UTC)
    sources = read_sources(directory)
    problems = list(sources.problems)
    documents = [
        document for source in sources.files for document in read_documents(source, problems)
    ]
    checked: list[tuple[Document, BaseModel]] = []
    for document in documents:
        model = _model(document, problems)
        problems += remarks(document, model, now)
        if model is not None:
            checked.append((document, model))
    models = [model for _, model in checked]
    problems += cross_check(documents)
    problems += campaign_checks(
        [(document, model) for document, model in checked if isinstance(model, CampaignFile)],
        {model.id: model for model in models if isinstance(model, SiteFile)},
        next((model for model in models if isinstance(model, NetworksFile)), None),
    )
    if directory.is_dir() and not any(document.kind == "site" for document in documents):
        message = "there is no site: describe one in a file like sites/example.yaml"
        problems.append(Problem(str(directory / "sites"), 1, "sites", message))
    ordered = _ordered(problems)
    if not all(problem.warning for problem in ordered):
        raise BadConfiguration(ordered)
    return build(models, sources.version), ordered


def _model(document: Document, problems: list[Problem]) -> BaseModel | None:
    if not document.data:
        return None
    model = MODELS[document.kind]
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        problems += [document.problem(path, text) for path, text in complaints(error, model)]
        return None


def _ordered(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Order by file and line; of several problems of one field keep the first, the root cause."""
    first: dict[tuple[str, int, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.file, problem.line, problem.field), problem)
    return tuple(sorted(first.values(), key=lambda problem: (problem.file, problem.line)))
