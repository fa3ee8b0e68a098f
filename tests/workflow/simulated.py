"""What a simulated ComfyUI offers, without a server."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from simulator.folders import Folders
from simulator.schema import CLASSES, Catalogue
from simulator.settings import SimulatorSettings


def object_info(**settings: Any) -> dict[str, Any]:
    """Its answer to `/object_info`, with no file in its folders."""
    with tempfile.TemporaryDirectory() as folder:
        folders = Folders(Path(folder))
        folders.prepare()
        catalogue = Catalogue(SimulatorSettings(**settings), folders)
        found = {name: catalogue.object_info(name) for name in CLASSES if catalogue.offers(name)}
    as_answered: dict[str, Any] = json.loads(json.dumps(found))
    return as_answered
