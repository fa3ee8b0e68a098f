"""The bundled workflows: a folder each, `graph.json` (ComfyUI's API format) and `workflow.toml` beside it."""
