"""Requests to the Bot API, checked by those who know it: aiogram's models, teremok's rules.

Both are imported where they are used. That takes five seconds; every process of the tests imports this module, and not
every one speaks to a Telegram.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.telegram.limits import TOKEN

if TYPE_CHECKING:
    import aiogram
    from aiogram.types import BufferedInputFile

FILE_LIMITS = {"photo": 10 * 2**20}
MOST_FILE = 50 * 2**20

Json = dict[str, Any]


class Refused(Exception):
    """An answer that is not ok. `ours`: the request should never have been made."""

    def __init__(self, status: int, description: str, *, ours: bool = True, **parameters: Any) -> None:
        super().__init__(description)
        self.status = status
        self.ours = ours and status in (400, 404, 413)
        self.parameters = parameters


@cache
def checker() -> aiogram.Bot:
    """What checks. To be asked for once before anybody is waited for: the import keeps the event loop."""
    import aiogram
    import teremok.validation  # noqa: F401 - for those who ask later

    return aiogram.Bot(TOKEN)


async def read(request: web.Request) -> tuple[Json, dict[str, bytes]]:
    """Parameters and files of a request: a form, parts, or none."""
    given: Json = dict(request.query)
    files: dict[str, bytes] = {}
    if request.method == "POST":
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files[name] = value.file.read()
                given[f"{name}\0name"] = value.filename
            else:
                given[name] = value
    return given, files


def checked(name: str, given: Json, files: dict[str, bytes]) -> Json:
    """The parameters as values. Raises `Refused` for whatever the Bot API would not take."""
    from aiogram import methods
    from aiogram.types import BufferedInputFile
    from teremok.validation import ApiRuleViolation, validate_method

    kind = getattr(methods, name[0].upper() + name[1:], None)
    if kind is None:
        raise Refused(404, "Not Found")
    values = {
        key: _value(kind, key, text) for key, text in given.items() if "\0" not in key and key not in files
    }
    unknown = set(values) - set(kind.model_fields)
    if unknown:
        raise Refused(400, f"Bad Request: the tests know no parameter {sorted(unknown)} of {name}")
    for key, data in files.items():
        _fits(key, data)
    sent = {key: BufferedInputFile(data, given[f"{key}\0name"]) for key, data in files.items()}
    named = {key: value for key, value in sent.items() if key in kind.model_fields}
    try:
        method = kind.model_validate(_attached({**values, **named}, sent))
        validate_method(checker(), method)
    except ApiRuleViolation as error:
        raise Refused(400, error.description) from error
    except ValueError as error:
        raise Refused(400, f"Bad Request: {error}") from error
    return values


def check_html(text: str) -> None:
    """Raises `ApiRuleViolation` for what Telegram would not take as HTML."""
    from teremok.validation import validate_html

    validate_html(text)


def _value(kind: Any, key: str, text: str) -> Any:
    """Numbers, booleans and objects are JSON in a form; words are themselves."""
    annotation = str(kind.model_fields[key].annotation) if key in kind.model_fields else ""
    if "str" in annotation and not text.startswith(("{", "[")) and "bool" not in annotation:
        return int(text) if key == "chat_id" and text.lstrip("-").isdigit() else text
    if key in ("text", "caption", "callback_query_id", "data"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _attached(value: Any, sent: dict[str, BufferedInputFile]) -> Any:
    if isinstance(value, dict):
        return {key: _attached(inner, sent) for key, inner in value.items()}
    if isinstance(value, list):
        return [_attached(inner, sent) for inner in value]
    if isinstance(value, str) and value.startswith("attach://"):
        if value[9:] not in sent:
            raise Refused(400, "Bad Request: wrong file identifier/HTTP URL specified")
        return sent[value[9:]]
    return value


def _fits(key: str, data: bytes) -> None:
    if not data:
        raise Refused(400, "Bad Request: file must be non-empty")
    if len(data) > FILE_LIMITS.get(key, MOST_FILE):
        raise Refused(413, "Request Entity Too Large")
