"""Muralist's core: everything that is the same on every platform."""
