"""The guides of the platforms that need a token."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from bot.contract.ports import Guide

PLATFORMS = ("discord", "telegram")


def guides() -> list[Guide]:
    """What each platform knows about being set up. Raises `ConfigError` for settings that are wrong."""
    return [cast(Guide, import_module(f"adapters.{name}").guide()) for name in PLATFORMS]
