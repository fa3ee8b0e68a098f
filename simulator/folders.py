"""The server's disk: input, output and temp folders, and the names files get there."""

import os
import posixpath
import shutil
from dataclasses import dataclass
from pathlib import Path

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mpg", ".mpeg"})
AUDIO_SUFFIXES = frozenset({".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aiff", ".aif"})
MESH_SUFFIXES = frozenset({".gltf", ".glb", ".obj", ".fbx", ".stl", ".spz", ".splat", ".ply", ".ksplat"})
# What the loaders of each kind of content offer; sound may be taken out of a video.
_OFFERED = {
    "image": IMAGE_SUFFIXES,
    "video": VIDEO_SUFFIXES,
    "audio": AUDIO_SUFFIXES | VIDEO_SUFFIXES,
}

MODEL_SUFFIXES = frozenset({".ckpt", ".pt", ".pt2", ".bin", ".pth", ".safetensors", ".pkl", ".sft"})
# Folders that are not called as the models in them, and those that nodes save models to.
_MODEL_PLACES = {
    "text_encoders": ["models/text_encoders", "models/clip", "output/clip"],
    "diffusion_models": ["models/unet", "models/diffusion_models", "output/diffusion_models"],
    "controlnet": ["models/controlnet", "models/t2i_adapter"],
    "custom_nodes": ["custom_nodes"],
    "datasets": ["datasets"],
    **{name: [f"models/{name}", f"output/{name}"] for name in ("checkpoints", "loras", "vae")},
}

# Kinds that a browser might execute; servers hand them out as downloads only.
_ACTIVE = frozenset({"text/html", "text/javascript", "application/javascript", "text/css", "image/svg+xml"})


def is_active_content(content_type: str) -> bool:
    """Whether a browser might run something in a file of this type."""
    return content_type in _ACTIVE or content_type.endswith(("+xml", "/xml"))


class OutsideFolder(Exception):
    """A name that leads out of the folder it belongs to."""


@dataclass(frozen=True, kw_only=True)
class SavePlace:
    """Where the next files of a prefix go; `counter` is the first free number."""

    folder: Path
    stem: str
    subfolder: str
    counter: int


class Folders:
    """The three folders below one root."""

    def __init__(self, root: Path) -> None:
        # Compared with what os.path makes of names, so it must be absolute and without links.
        self.root = root.resolve()
        self._kinds = {kind: self.root / kind for kind in ("input", "output", "temp")}
        self.users = self.root / "user"
        self.web = self.root / "web"
        """What is served below `/`: nothing."""

    def prepare(self) -> None:
        """Make the folders and wipe temp, as every start of ComfyUI does."""
        shutil.rmtree(self._kinds["temp"], ignore_errors=True)
        for folder in (*self._kinds.values(), self.web):
            folder.mkdir(parents=True, exist_ok=True)

    def of(self, kind: str) -> Path | None:
        """The folder called input, output or temp; None for any other name."""
        return self._kinds.get(kind)

    def model_places(self, kind: str) -> list[Path]:
        """Where models of a kind lie, or would lie."""
        return [self.root / place for place in _MODEL_PLACES.get(kind, [f"models/{kind}"])]

    def model_files(self, kind: str) -> list[str]:
        """The names of the models of a kind that lie on the disk."""
        return sorted(
            file.relative_to(place).as_posix()
            for place in self.model_places(kind)
            for file in place.rglob("*")
            if file.suffix.lower() in MODEL_SUFFIXES and file.is_file()
        )

    def model_file(self, kind: str, name: str) -> Path | None:
        """A model on the disk by its name, which can't lead out of its folder; None if there is none."""
        inside = posixpath.normpath(f"/{name}").lstrip("/")
        found = (place / inside for place in self.model_places(kind))
        return next((path for path in found if path.is_file()), None)

    def annotated(self, name: str) -> tuple[str, Path | None]:
        """Split `a.png [temp]` into the name and its folder; the folder is None when not named."""
        for kind, folder in self._kinds.items():
            if name.endswith(f"[{kind}]"):
                return name[: -len(kind) - 3], folder
        return name, None

    def input_file(self, name: str) -> Path | None:
        """The file that a LoadImage value names (input unless annotated), or None if there is none."""
        plain, folder = self.annotated(name)
        base = folder or self._kinds["input"]
        path = Path(os.path.normpath(base / plain))
        return path if path.is_relative_to(base) and path.is_file() else None

    def has(self, name: str) -> bool:
        """Whether a loader's value leads to anything: the folder itself counts, what lies outside does not.

        Raises AttributeError for a value that is no text, as a real server does.
        """
        plain, folder = self.annotated(name)
        base = folder or self._kinds["input"]
        path = Path(os.path.realpath(base / plain))
        return path.is_relative_to(base) and path.exists()

    def input_files(self, content: str) -> list[str]:
        """Names that loaders of image, video, audio or 3d offer, sorted.

        They lie at the top level of input, but for 3d ones, which lie in and below its folder `3d`.
        """
        base = self._kinds["input"]
        if content == "3d":
            meshes = (file for file in base.glob("3d/**/*") if file.suffix.lower() in MESH_SUFFIXES)
            return sorted(mesh.relative_to(base).as_posix() for mesh in meshes)
        suffixes = _OFFERED[content]
        return sorted(
            file.name for file in base.iterdir() if file.is_file() and file.suffix.lower() in suffixes
        )

    def save_place(self, prefix: str, kind: str) -> SavePlace:
        """Where files of `prefix` go: numbers go on from the highest on disk, so deleted ones come back.

        Raises OutsideFolder for prefixes with `..` or a root.
        """
        base = self._kinds[kind]
        subfolder, stem = os.path.split(os.path.normpath(prefix))
        folder = Path(os.path.normpath(base / subfolder))
        if not folder.is_relative_to(base):
            raise OutsideFolder(
                "**** ERROR: Saving image outside the output folder is not allowed."
                f"\n full_output_folder: {folder}\n         output_dir: {base}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [_number(file.name, stem) for file in folder.iterdir()]
        return SavePlace(folder=folder, stem=stem, subfolder=subfolder, counter=max(numbers, default=0) + 1)


def _number(name: str, stem: str) -> int:
    """The counter in `stem_00012_.png`; 0 for files that are not of this stem."""
    head, rest = name[: len(stem)], name[len(stem) :]
    if os.path.normcase(head) != os.path.normcase(stem) or not rest.startswith("_"):
        return 0
    digits = rest[1:].split(".")[0].split("_")[0]
    return int(digits) if digits.isdecimal() else 0
