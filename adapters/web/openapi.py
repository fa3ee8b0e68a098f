"""The API's description (OpenAPI 3.1), made from the same models and commands that serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.web.api import GenerateBody
from bot.contract.values import Command, JobState, ParameterType

_JSON_TYPES = {
    ParameterType.TEXT: "string",
    ParameterType.INTEGER: "integer",
    ParameterType.NUMBER: "number",
    ParameterType.BOOLEAN: "boolean",
    ParameterType.CHOICE: "string",
    ParameterType.SEED: "integer",
}

_ERROR = {"$ref": "#/components/schemas/Error"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_INDEX = {"name": "index", "in": "path", "required": True, "schema": {"type": "integer"}}
_EVENTS = "Follow a job: server-sent events `status` (a Job) and `preview`, until its last state"


def specification(commands: Sequence[Command]) -> dict[str, Any]:
    """The whole description, with a schema for the values of each workflow."""
    workflows = [command for command in commands if command.workflow]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Muralist",
            "version": "1",
            "description": "Pictures from ComfyUI: queue a job, follow it, fetch what it made.",
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Generate": GenerateBody.model_json_schema(),
                "Job": _job(),
                "Queued": _object({"job_id": {"type": "string"}}, ["job_id"]),
                "Error": _object(
                    {
                        "error": _object(
                            {"code": {"type": "string"}, "message": {"type": "string"}}, ["code", "message"]
                        )
                    },
                    ["error"],
                ),
                **{f"Values_{command.name}": _values(command) for command in workflows},
            },
        },
    }


def _paths() -> dict[str, Any]:
    return {
        "/api/v1/generate": {"post": _generate()},
        "/api/v1/jobs/{id}": {
            "get": _on_job("How a job stands", _responses("200", "The job", "Job")),
            "delete": _on_job("Cancel a job", _responses("202", "Its end is asked for", "Queued")),
        },
        "/api/v1/jobs/{id}/events": {"get": _on_job(_EVENTS, _stream("text/event-stream"))},
        "/api/v1/jobs/{id}/outputs/{index}": {
            "get": _on_job("Fetch what a job made", _stream("application/octet-stream"), _INDEX)
        },
        "/api/v1/workflows": {
            "get": {"summary": "The workflows and their parameters", "responses": _plain()}
        },
        "/api/v1/queue": {"get": {"summary": "The queue in numbers", "responses": _plain()}},
        "/api/v1/me": {
            "get": {"summary": "Who one is, and the id to name in ADMINS", "responses": _plain()},
            "put": {"summary": 'Be called something else: `{"name": "..."}`', "responses": _plain()},
        },
        "/api/v1/admin/overview": {
            "get": {"summary": "Everybody's jobs, the servers, the people: for admins", "responses": _plain()}
        },
        "/api/v1/admin/jobs/{id}": {
            "delete": _on_job(
                "Cancel anybody's job: for admins", _responses("202", "Its end is asked for", "Queued")
            )
        },
        "/api/v1/admin/commands/{name}": {
            "post": {
                "summary": "Do a command of the admins, its values as a JSON object: for admins",
                "parameters": [
                    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": _plain(),
            }
        },
        "/healthz": {"get": {"summary": "Whether the process lives", "security": [], "responses": _plain()}},
        "/readyz": {
            "get": {
                "summary": "Whether a picture asked for now would be begun and shown",
                "security": [],
                "responses": _plain(),
            }
        },
        "/metrics": {"get": {"summary": "Figures for Prometheus", "responses": _stream("text/plain")}},
    }


def _generate() -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string"},
        "description": "The same key gives the same job, however often it is sent.",
    }
    schema = {"$ref": "#/components/schemas/Generate"}
    return {
        "summary": "Queue a job",
        "parameters": [key],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": _responses("202", "The job is queued", "Queued"),
    }


def _on_job(summary: str, responses: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "parameters": [_ID, *more], "responses": responses}


def _responses(status: str, description: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {
        status: {"description": description, "content": content},
        "default": {"description": "What is wrong", "content": {"application/json": {"schema": _ERROR}}},
    }


def _plain() -> dict[str, Any]:
    return {
        "200": {"description": "The answer", "content": {"application/json": {"schema": {"type": "object"}}}}
    }


def _stream(kind: str) -> dict[str, Any]:
    return {"200": {"description": "The answer", "content": {kind: {"schema": {"type": "string"}}}}}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


def _job() -> dict[str, Any]:
    output = _object({"url": {"type": "string"}, "media_type": {"type": "string"}}, ["url", "media_type"])
    properties = {
        "state": {"type": "string", "enum": [state.value for state in JobState]},
        "fraction": {"type": "number", "minimum": 0, "maximum": 1},
        "position": {"type": "integer", "minimum": 1, "description": "Place in the queue, while it waits"},
        "eta_seconds": {"type": "number", "description": "Seconds until its end, where they are known"},
        "node": {"type": "string", "description": "The node that runs"},
        "outputs": {"type": "array", "items": output},
        "remarks": {
            "type": "array",
            "items": {"type": "string"},
            "description": "How the words were read: what was left out of them, and the LoRAs that are in them.",
        },
        "read": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "The texts that became others when they were read, by parameter.",
        },
        "error": _object({"code": {"type": "string"}, "message": {"type": "string"}}, ["code", "message"]),
    }
    return _object(properties, ["state", "fraction", "outputs"])


def _values(command: Command) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for spec in command.parameters:
        if spec.type.attached:
            continue
        bounds = {
            "description": spec.description or None,
            "default": spec.default,
            "minimum": spec.minimum,
            "maximum": spec.maximum,
            "maxLength": spec.max_length,
            "enum": list(spec.choices) or None,
        }
        given = {name: value for name, value in bounds.items() if value is not None}
        properties[spec.name] = {"type": _JSON_TYPES[spec.type], **given}
    required = [each.name for each in command.parameters if each.required and not each.type.attached]
    return _object(properties, required)
