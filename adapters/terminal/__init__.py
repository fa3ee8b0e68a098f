"""The terminal: one command, its bar, its files."""

from __future__ import annotations

from adapters.terminal.adapter import TerminalAdapter
from adapters.terminal.order import Order


def create(order: Order) -> TerminalAdapter:
    """An adapter that carries out one order."""
    return TerminalAdapter(order)


__all__ = ["Order", "create"]
