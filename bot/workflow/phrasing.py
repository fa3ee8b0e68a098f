"""A person's texts as the graph gets them: in a style, with alternatives chosen and wildcards filled in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import PatchValue
from bot.workflow.model import Workflow
from bot.workflow.phrase import LoraTag, read_phrase
from bot.workflow.shorthand import main_text_of, negative_of
from bot.workflow.vocabulary import Style, Vocabulary


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrased:
    """The texts that are not sent as they were written, by parameter, and the LoRAs that stood in them."""

    texts: Mapping[str, str]
    loras: tuple[LoraTag, ...]


def phrased(
    workflow: Workflow,
    raw: Mapping[str, object],
    values: Mapping[str, PatchValue],
    words: Vocabulary,
    *,
    style: str | None,
    seed: int,
) -> Phrased:
    """Read what a person wrote (`raw`; `values` are the same, checked). What a workflow has by itself stays as it is.

    Raises `InvalidValue` for what can't be read, or is too long or empty once it is.
    """
    texts: dict[str, str] = {}
    loras: list[LoraTag] = []
    for parameter in workflow.parameters:
        spec = parameter.spec
        written = values.get(spec.name)
        if spec.type is not ParameterType.TEXT or not isinstance(written, str):
            continue
        styled = written if style is None else _styled(workflow, spec.name, written, words.styles[style])
        if styled == written and not raw.get(spec.name):
            continue
        phrase = read_phrase(spec.name, styled, seed, words.wildcards)
        loras += phrase.loras
        if phrase.text != written:
            _check(spec, phrase.text)
            texts[spec.name] = phrase.text
    return Phrased(texts=texts, loras=tuple(loras))


def _styled(workflow: Workflow, name: str, text: str, style: Style) -> str:
    if name == main_text_of(workflow):
        return style.of(text)
    if name == negative_of(workflow):
        return ", ".join(part for part in (text, style.negative) if part)
    return text


def _check(spec: ParameterSpec, text: str) -> None:
    """A text that was read is bound by what binds one that is written."""
    if spec.required and not text:
        raise InvalidValue(spec.name, f"Write a {spec.title.lower()}.")
    if spec.max_length is not None and len(text) > spec.max_length:
        raise InvalidValue(
            spec.name,
            f"{spec.title} has {len(text):,} characters with all that it stands for; at most {spec.max_length:,} "
            "are allowed. Shorten it.",
        )
