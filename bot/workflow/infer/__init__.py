"""Finds out what people may set in a graph that nobody described: from its nodes' types and how values flow. Pure."""
