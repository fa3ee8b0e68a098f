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

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    type: TypeName | None = None
    """What kind of value it takes. What is usual for the name, or inferred, if it is not said."""
    to: list[str] | None = Field(default=None, min_length=1)
    """The node inputs that take the value, as NODE.INPUT: one or several."""
    title: str | None = None
    """What people read."""
    description: str = ""
    """What it is for, in a few words."""
    required: bool = False
    """Whether a value must be given."""
    default: str | int | float | bool | None = None
    """Used if none is given; without it the value in the graph."""
    minimum: int | float | None = None
    """The least number, inclusive."""
    maximum: int | float | None = None
    """The greatest number, inclusive."""
    step: int | float | None = None
    """Numbers count in steps of this from the minimum."""
    max_length: int | None = None
    """Of text, in characters."""
    choices: list[str] = Field(default_factory=list)
    """Fixed choices; without them what ComfyUI offers."""
    fallback: Literal["first"] | None = None
    """If ComfyUI lacks the default, the first that it has is taken."""
    families: list[str] = Field(default_factory=list)
    """Of a choice of models: only those of these families."""
    fps: float | None = Field(default=None, gt=0)
    """Of a length in seconds: what is sent are frames, so many a second."""
    frame_step: int = Field(default=1, ge=1)
    """Frames are `frame_first` more than a multiple of this."""
    frame_first: int = Field(default=1, ge=0)
    """The first number of frames that the model can make."""
    without: list[str] = Field(default_factory=list)
    """Of a file that need not be given: the nodes that are left out without it."""
    more: bool = False
    """Shown last, for few people change it."""
    hide: bool = False
    """Not to be set, though it is found."""


class Whereabouts(BaseModel):
    """One table of `models.toml`: where a model file is to be had."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://")
    """Where the file is to be had."""
    folder: str | None = None
    """Where it belongs, below ComfyUI's models folder."""
    size: str | None = None
    """How large it is, as people read it: 6.5 GB."""
    instead: list[str] = Field(default_factory=list)
    """Files that do as well."""


class ModelTable(Whereabouts):
    """One `[[models]]` table of a workflow."""

    name: str
    """The file's name, as the graph has it."""


class ModelsFile(RootModel[dict[str, Whereabouts]]):
    """The whole of `models.toml`, by the files' names."""


class WorkflowFile(BaseModel):
    """The whole of `workflow.toml`."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    title: str | None = None
    """What people read."""
    description: str | None = None
    """What the command does, in one line."""
    role: RoleName | None = None
    """What it is for, if it is for one thing."""
    roles: list[RoleName] | None = None
    """What it is for: each is a command that it may serve. An empty list for none."""
    order: int = 0
    """Among those of a role, the least comes first."""
    age_restricted: bool = False
    """Whether it runs in age-restricted places alone."""
    infer: bool | None = None
    """Whether what the file does not say is found out; without it: if anything is left to be found out."""
    models: list[ModelTable] = Field(default_factory=list)
    """Where models are to be had."""
    parameters: dict[str, ParameterTable] = Field(default_factory=dict)
    """What people may set, by name: a table, or only the node inputs that take the value."""

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
