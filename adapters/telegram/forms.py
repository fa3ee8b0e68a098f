"""What a command still needs, asked for in the chat. Half-asked commands outlive the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup

from adapters.telegram.order import Order
from bot.contract.card import Card, Text
from bot.contract.files import lacking
from bot.contract.values import Command, ParameterSpec

FORM = "form:"
KEPT_SECONDS = 24 * 3600.0
"""A question that nobody answered is forgotten after that."""

PAGE = 8
MOST_LABEL = 60
MOST_PLACEHOLDER = 64
CHOOSE, TURN = "choose:", "turn:"
"""What the buttons of a list of choices say; the core's own begin otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """A command that somebody began, the parameter that was asked for, and the choices that were offered."""

    order: Order
    asked: str
    choices: tuple[str, ...] = ()
    at: float

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """From the form that is stored."""
        return cls(
            order=Order.of(kept["order"]),
            asked=kept["asked"],
            choices=tuple(kept["choices"]),
            at=kept["at"],
        )

    def kept(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {
            "order": self.order.kept(),
            "asked": self.asked,
            "choices": list(self.choices),
            "at": self.at,
        }

    def filled(self, answer: Order) -> Order:
        """The command with what was answered, as an order of the answer's own."""
        value = answer.values.get("prompt", "")
        more = {name: given for name, given in answer.values.items() if name != "prompt"}
        values = {**self.order.values, **more}
        images = dict(self.order.images)
        if answer.files and not value:
            images[self.asked] = answer.files[0]
        elif value:
            values[self.asked] = value
        files = self.order.files if images != self.order.images else (*self.order.files, *answer.files)
        return replace(
            self.order,
            event=answer.event,
            key=answer.key,
            where=answer.where,
            values=values,
            images=images,
            files=files,
            reply=self.order.reply or answer.reply,
        )

    def chosen(self, index: int, answer: Order) -> Order:
        """The command with the choice of this number, as an order of the press's own."""
        values = {**self.order.values, self.asked: self.choices[index]}
        return replace(self.order, event=answer.event, key=answer.key, where=answer.where, values=values)


def missing(command: Command, order: Order) -> ParameterSpec | None:
    """The first thing that a command still needs, or that was named without a value though there is a list."""
    files = lacking(command, order.files, tuple(order.images), reply=order.reply is not None)
    for spec in command.parameters:
        given = order.values.get(spec.name)
        if spec.type.attached:
            if spec.name in files:
                return spec
        elif (spec.choices and given == "") or (
            spec.required and spec.default is None and given in (None, "")
        ):
            return spec
    return None


def question(spec: ParameterSpec) -> Card:
    """What is asked, in the parameter's own words."""
    body = ((Text(text=spec.description),),) if spec.description else ()
    return Card(state="note", title=spec.title, body=body)


def answer_field(spec: ParameterSpec) -> ForceReply:
    """Opens the field for an answer, of the person asked alone."""
    placeholder = (spec.description or spec.title)[:MOST_PLACEHOLDER]
    return ForceReply(selective=True, input_field_placeholder=placeholder)


def matching(choices: Sequence[str], words: str) -> tuple[str, ...]:
    """The choices that hold all of these words."""
    wanted = words.casefold().split()
    return tuple(choice for choice in choices if all(word in choice.casefold() for word in wanted))


def listed(choices: Sequence[str], page: int) -> InlineKeyboardMarkup:
    """A page of choices, with buttons to the others."""
    pages = max(1, -(-len(choices) // PAGE))
    page = min(max(page, 0), pages - 1)
    rows = [
        [InlineKeyboardButton(_short(choice), callback_data=f"{CHOOSE}{page * PAGE + number}")]
        for number, choice in enumerate(choices[page * PAGE : (page + 1) * PAGE])
    ]
    if pages > 1:
        turns = [("<", (page - 1) % pages), (f"{page + 1}/{pages}", page), (">", (page + 1) % pages)]
        rows.append([InlineKeyboardButton(label, callback_data=f"{TURN}{to}") for label, to in turns])
    return InlineKeyboardMarkup(rows)


def _short(choice: str) -> str:
    """Names of models tell most at their end."""
    return choice if len(choice) <= MOST_LABEL else f"…{choice[1 - MOST_LABEL :]}"
