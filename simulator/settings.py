"""How a simulated ComfyUI is set up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simulator.versions import VERSIONS, Version


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    """The knobs of one simulator; times are in seconds, sizes in bytes or pixels.

    `port` 0 takes any free one. `vram_gb` is the memory of the card in GiB. `load_seconds` passes
    when a checkpoint or diffusion model is asked for that is not in it, and a part of that for smaller
    models; `node_seconds` in each node that needs no model. `data_dir` holds the folders
    input, output and temp (temp is wiped at every start) and the log of runs; without it they
    live in a temporary directory and end with the simulator. `models` offers model files by folder,
    besides `checkpoints`, `vaes` and `loras`; `all_models` offers every file that the templates of
    ComfyUI ask for. `custom_nodes` offers the classes of packs that are
    known here, `trial_nodes` classes that no real server has, which sleep, fail, block or
    expand to other nodes.

    The card is listed `gpus` times. Every start takes `startup_seconds`, in which connections are refused.
    `multi_user`, `cors_origin` (`*` or an origin) and `compress_answers` are options of ComfyUI; what people
    put before it are `path_prefix` (`/comfy`), `basic_auth` (`user:password`), `token` (a bearer token, or
    `?token=` in the address) and a certificate with its key, which make the address an https one.
    """

    host: str = "127.0.0.1"
    port: int = 8188
    vram_gb: float = 24.0
    step_seconds: float = 0.1
    load_seconds: float = 0.0
    node_seconds: float = 0.0
    data_dir: Path | None = None
    checkpoints: tuple[str, ...] = ("sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors")
    vaes: tuple[str, ...] = ("vae-ft-mse-840000-ema-pruned.safetensors",)
    loras: tuple[str, ...] = ()
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    all_models: bool = False
    trial_nodes: bool = False
    custom_nodes: bool = False
    preview_size: int = 512
    default_preview_method: str = "none"
    max_upload_size: int = 104857600
    history_size: int = 10000
    gpus: int = 1
    startup_seconds: float = 0.0
    multi_user: bool = False
    cors_origin: str | None = None
    compress_answers: bool = False
    path_prefix: str = ""
    basic_auth: str | None = None
    token: str | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None
    version: Version = VERSIONS["0.33.0"]
