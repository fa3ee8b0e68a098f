"""The web: a chat page and the JSON API."""

from __future__ import annotations

from adapters.web.adapter import WebAdapter
from adapters.web.examine import examine
from adapters.web.settings import read_settings


def create() -> WebAdapter:
    """The adapter as its settings say. Raises `ConfigError`."""
    return WebAdapter(read_settings())


__all__ = ["create", "examine"]
