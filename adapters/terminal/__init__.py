"""The terminal: one command, its bar, its files; one's jobs and their end; commands of admins."""

from __future__ import annotations

from adapters.terminal.adapter import TerminalAdapter
from adapters.terminal.jobs import Ending, Listing
from adapters.terminal.managing import Managing
from adapters.terminal.order import Order


def create(order: Order) -> TerminalAdapter:
    """An adapter that carries out one order."""
    return TerminalAdapter(order)


__all__ = ["Ending", "Listing", "Managing", "Order", "create"]
