"""What a server is, from its `/system_stats`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A device that it computes on; `kind` is cuda, mps, xpu, cpu and so on. On cpu, VRAM is RAM. In bytes."""

    name: str
    kind: str
    vram_total: int
    vram_free: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """Version, system and devices, the primary one first. RAM in bytes. None for what it does not tell."""

    version: str | None
    os: str | None
    ram_total: int
    ram_free: int
    devices: tuple[Device, ...]


def parse_stats(body: object) -> Stats | None:
    """Read `/system_stats`; None if these are not ComfyUI's."""
    system = body.get("system") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(system, Mapping):
        return None
    devices = body.get("devices")
    rows = [row for row in devices if isinstance(row, Mapping)] if isinstance(devices, list) else []
    return Stats(
        version=_text(system.get("comfyui_version")),
        os=_text(system.get("os")),
        ram_total=_bytes(system.get("ram_total")),
        ram_free=_bytes(system.get("ram_free")),
        devices=tuple(_device(row) for row in rows),
    )


def _device(row: Mapping[str, Any]) -> Device:
    return Device(
        name=_text(row.get("name")) or "?",
        kind=_text(row.get("type")) or "?",
        vram_total=_bytes(row.get("vram_total")),
        vram_free=_bytes(row.get("vram_free")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _bytes(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
