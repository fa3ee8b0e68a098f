"""What `workflow.toml` and `models.toml` may say."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

from bot.workflow.usual import with_usual

RoleName = Literal["imagine", "edit", "vary", "animate", "upscale", "inpaint", "describe", "music"]
TypeName = Literal[
    "text", "integer", "number", "boolean", "choice", "seed", "image", "mask", "video", "audio"
]


class ParameterTable(BaseModel):
    """One `[parameters.NAME]` table. Without `to` it says something about a parameter that is inferred."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: TypeName | None = None
    to: list[str] | None = Field(default=None, min_length=1)
    title: str | None = None
    description: str = ""
    required: bool = False
    default: str | int | float | bool | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    max_length: int | None = None
    choices: list[str] = Field(default_factory=list)
    fallback: Literal["first"] | None = None
    families: list[str] = Field(default_factory=list)
    fps: float | None = Field(default=None, gt=0)
    frame_step: int = Field(default=1, ge=1)
    frame_first: int = Field(default=1, ge=0)
    without: list[str] = Field(default_factory=list)
    more: bool = False
    hide: bool = False


class Whereabouts(BaseModel):
    """One table of `models.toml`: where a model file is to be had."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(pattern=r"^https?://")
    folder: str | None = None
    size: str | None = None
    instead: list[str] = Field(default_factory=list)


class ModelTable(Whereabouts):
    """One `[[models]]` table of a workflow."""

    name: str


class ModelsFile(RootModel[dict[str, Whereabouts]]):
    """The whole of `models.toml`, by the files' names."""


class WorkflowFile(BaseModel):
    """The whole of `workflow.toml`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = None
    description: str | None = None
    role: RoleName | None = None
    roles: list[RoleName] | None = None
    order: int = 0
    infer: bool | None = None
    models: list[ModelTable] = Field(default_factory=list)
    parameters: dict[str, ParameterTable] = Field(default_factory=dict)

    @property
    def infers(self) -> bool:
        """Whether something is wanted that the file does not say: of its parameters, or more of them."""
        tables = self.parameters.values()
        says_all = bool(tables) and all(table.to is not None and table.type is not None for table in tables)
        return not says_all if self.infer is None else self.infer

    @field_validator("parameters", mode="before")
    @classmethod
    def _usual(cls, tables: object) -> object:
        if not isinstance(tables, dict):
            return tables
        return {name: with_usual(name, table) for name, table in tables.items()}

    @model_validator(mode="after")
    def _is_whole(self) -> WorkflowFile:
        """A file that leaves nothing to be inferred says everything."""
        if self.infers:
            return self
        for name, table in self.parameters.items():
            if table.type is None or table.to is None:
                raise ValueError(f"parameters.{name} needs type and to where infer = false")
        return self


def line_of(text: str, parameter: str) -> int | None:
    """The line of `workflow.toml` on which a parameter is bound, counted from 1."""
    name = rf'["\']?{re.escape(parameter)}["\']?'
    lines = text.splitlines()
    table = re.compile(rf"\s*\[\s*parameters\s*\.\s*{name}\s*\]")
    entry = re.compile(rf"\s*(parameters\s*\.\s*)?{name}\s*[.=]")
    start = next((at for at, line in enumerate(lines) if table.match(line)), None)
    if start is None:
        return next((at + 1 for at, line in enumerate(lines) if entry.match(line)), None)
    for at in range(start + 1, len(lines)):
        if lines[at].lstrip().startswith("["):
            break
        if re.match(r"\s*to\s*=", lines[at]):
            return at + 1
    return start + 1
