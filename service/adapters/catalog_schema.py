"""JSON Schemas of the configuration's files, for editors that check while one types."""

import json
from pathlib import Path

from pydantic.json_schema import GenerateJsonSchema

from service.adapters.catalog import MODELS

FILE_NAMES = {
    "network": "networks.json",
    "site": "site.json",
    "app": "app.json",
    "campaign": "campaign.json",
}


def json_schemas() -> dict[str, bytes]:
    """Return each schema file's name and bytes, as committed in `config/schema`."""
    found = {}
    for kind, name in FILE_NAMES.items():
        schema = MODELS[kind].model_json_schema()
        schema = {"$schema": GenerateJsonSchema.schema_dialect, **schema}
        found[name] = (json.dumps(schema, indent=2, ensure_ascii=False) + "\n").encode()
    return found


def write_schemas(directory: Path) -> None:
    """Write every schema into a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in json_schemas().items():
        (directory / name).write_bytes(content)
