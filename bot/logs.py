"""Logging: one line an event, to standard error, without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

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


def set_up_logs(form: Literal["console", "json"], level: int = logging.INFO) -> None:
    """Send structlog's events, and the standard library's from warnings up, to standard error."""
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take tokens, passwords and credentials in addresses out of every text of an event."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _without_secrets(value)
    return event


def _without_secrets(text: str) -> str:
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
