"""Logging: one line an event, to standard error, without secrets."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Collection, MutableMapping
from typing import Any, Literal

import structlog
from dotenv import dotenv_values

from bot.contract.environment import env_files

_SECRETS = (
    (re.compile(r"(?i)(bearer|basic)\s+[\w.~+/=-]+"), r"\1 ***"),
    (re.compile(r"/bot\d+:[\w-]+"), "/bot***"),
    (re.compile(r"(\w+://)[^/\s:@]*:[^/\s@]*@"), r"\1***@"),
    (re.compile(r"(?i)([?&#][\w-]*(?:token|key|password|secret|auth|authorization)=)[^&\s,'\"]+"), r"\1***"),
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization|cookie|x-[\w-]+|cf-[\w-]+)(['\"]?: ?['\"]?)[^'\"|]+"),
        r"\1\2***",
    ),
)


_MARKS = re.compile(r"[:=\s/]")
"""What every one of these has somewhere; most texts have none."""

_NAMES = re.compile(r"TOKEN|SECRET|PASSWORD|_KEY$")
SHORTEST_SECRET = 8
"""Shorter ones are words that may be anywhere."""


def set_up_logs(form: Literal["console", "json"], level: int = logging.INFO) -> None:
    """Send structlog's events, and the standard library's from warnings up, to standard error, all in one form."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
    ]
    ended = [Redact(known_secrets()), renderer]
    structlog.configure(
        processors=[*shared, *ended],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    without_record = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[without_record, *ended])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def known_secrets() -> frozenset[str]:
    """The values of settings that are secret by their names."""
    values = {**{k: v for each in env_files() for k, v in dotenv_values(each).items()}, **os.environ}
    return frozenset(
        value
        for name, value in values.items()
        if value is not None and len(value) >= SHORTEST_SECRET and _NAMES.search(name.upper())
    )


class Redact:
    """Takes tokens, passwords and credentials in addresses out of every text of an event."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(
        self, _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """One event, as structlog's processors do it."""
        for name, value in event.items():
            if isinstance(value, str):
                event[name] = self._without_secrets(value)
        return event

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if _MARKS.search(text) is None:
            return text
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
        return text
