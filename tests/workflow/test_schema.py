"""The schema for editors takes what the loader takes, and refuses what it refuses."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from bot.workflow.schema import workflow_schema
from bot.workflow.tables import WorkflowFile

SCHEMA = Draft202012Validator(workflow_schema())


def _bundled() -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in files("workflows").iterdir():
        path = folder / "workflow.toml"
        if path.is_file():
            yield folder.name, tomllib.loads(path.read_text(encoding="utf-8"))


def test_every_bundled_file_fits() -> None:
    """And there are some."""
    told = {name: [error.message for error in SCHEMA.iter_errors(read)] for name, read in _bundled()}
    assert len(told) > 20
    assert {name: wrong for name, wrong in told.items() if wrong} == {}


@pytest.mark.parametrize(
    "text",
    [
        'tilte = "Fox"',
        'roles = ["paint"]',
        "order = 1.5",
        "parameters.seed = 3",
        "parameters.seed = []",
        "parameters.seed.to = []",
        'parameters.seed.typ = "seed"',
        'parameters.seed.type = "dice"',
        'parameters.length = { to = "1.a", type = "number", fps = 0 }',
        '[[models]]\nname = "a"\nurl = "ftp://b"',
        '[[models]]\nurl = "https://b"',
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(text: str) -> None:
    """Names, kinds of values, bounds."""
    read = tomllib.loads(text)
    assert not SCHEMA.is_valid(read)
    with pytest.raises(ValidationError):
        WorkflowFile.model_validate(read)


def test_every_key_is_described() -> None:
    """An editor shows what each is for."""
    schema = workflow_schema()
    tables = [schema, *schema["$defs"].values()]
    assert [
        name for table in tables for name, key in table["properties"].items() if not key.get("description")
    ] == []
