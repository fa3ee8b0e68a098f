"""A workflow as the files of its folder."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping

from bot.store.library import Kept
from bot.workflow.draft import Draft


def files_of(draft: Draft, kept: Kept | None) -> dict[str, bytes]:
    """The files by their path, the folder's name first."""
    graph = draft.graph if kept is None else kept.graph
    found = {"graph.json": _json(graph)}
    if draft.text.strip():
        found["workflow.toml"] = draft.text.encode()
    if kept is not None and kept.ui is not None:
        found["workflow.json"] = _json(kept.ui)
    return {f"{draft.name}/{name}": data for name, data in found.items()}


def packed(files: Mapping[str, bytes]) -> bytes:
    """The files as one archive, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode()
