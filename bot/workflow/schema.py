"""The JSON schema of `workflow.toml`, for editors: what the loader itself reads, and nothing else."""

from __future__ import annotations

from typing import Any

from bot.workflow.tables import WorkflowFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def workflow_schema() -> dict[str, Any]:
    """A schema that takes the files that the loader takes, as far as one file tells.

    The loader lets `to` be one input, and a whole table be nothing but that: so does the schema.
    """
    schema = WorkflowFile.model_json_schema()
    table = schema["$defs"]["ParameterTable"]
    table["properties"]["to"] = _also_one(table["properties"]["to"])
    parameters = schema["properties"]["parameters"]
    parameters["additionalProperties"] = {
        "anyOf": [
            {"type": "string", "description": "The node input that takes the value: NODE.INPUT."},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            parameters["additionalProperties"],
        ]
    }
    return {"$schema": _DIALECT, **schema, "title": "workflow.toml"}


def _also_one(several: dict[str, Any]) -> dict[str, Any]:
    """What may be a list may be its only entry, too."""
    return {**several, "anyOf": [{"type": "string"}, *several["anyOf"]]}
