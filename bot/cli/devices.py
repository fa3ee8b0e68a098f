"""What a ComfyUI server computes on, for people."""

from __future__ import annotations

from bot.comfy.stats import Device


def in_words(device: Device) -> str:
    """Its name and how much of its memory is free."""
    total, free = (f"{size / 2**30:.1f}" for size in (device.vram_total, device.vram_free))
    memory = "RAM" if device.kind == "cpu" else "VRAM"
    return f"{device.name} ({free} of {total} GB {memory} free)"
