"""Commands: one decorated function each, and a workflow is a command too."""
