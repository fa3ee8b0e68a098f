"""Workflows: load them, check what people ask of them, patch their graphs."""
