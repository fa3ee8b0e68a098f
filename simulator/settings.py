"""How a simulated ComfyUI is set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.versions import VERSIONS, Version


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    """The knobs of one simulator; times are in seconds, sizes in bytes or pixels.

    `port` 0 takes any free one. `load_seconds` passes when a checkpoint is asked for that is not
    the one loaded, `node_seconds` in each node that needs no model. `data_dir` holds the folders
    input, output and temp (temp is wiped at every start) and the log of runs; without it they
    live in a temporary directory and end with the simulator. `models` offers model files by folder,
    besides `checkpoints`, `vaes` and `loras`; `all_models` offers every file that the templates of
    ComfyUI ask for.
    """

    host: str = "127.0.0.1"
    port: int = 8188
    step_seconds: float = 0.1
    load_seconds: float = 0.0
    node_seconds: float = 0.0
    data_dir: Path | None = None
    checkpoints: tuple[str, ...] = ("sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors")
    vaes: tuple[str, ...] = ("vae-ft-mse-840000-ema-pruned.safetensors",)
    loras: tuple[str, ...] = ()
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    all_models: bool = False
    preview_size: int = 512
    default_preview_method: str = "none"
    max_upload_size: int = 104857600
    history_size: int = 10000
    version: Version = VERSIONS["0.33.0"]
