"""Nodes that reach beyond pictures: files anywhere on the server, addresses on the network, code. Pure.

Whoever may use such a node can read the server's files or run programs there. ComfyUI's own nodes are known one by
one; what others bring is judged by the names of the class and of its inputs, and by what stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import title_of
from bot.comfy.schemas import NodeSchemas
from bot.jobs.models import Graph

PATHS, ADDRESSES, CODE = "files by their path", "addresses on the network", "code"

KNOWN: Mapping[str, str] = {
    # ComfyUI's own
    **dict.fromkeys(
        (
            "LoadImageDataSetFromFolder", "LoadImageTextDataSetFromFolder", "SaveImageDataSetToFolder",
            "SaveImageTextDataSetToFolder", "LoadTrainingDataset", "SaveTrainingDataset", "LoadImageSetFromFolderNode",
            "LoadImageTextSetFromFolderNode",
        ),
        PATHS,
    ),
    # Was Node Suite, Video Helper Suite, KJNodes, Inspire, Impact, Easy-Use, Crystools, rgthree, Art Venture
    **dict.fromkeys(
        (
            "Image Load", "Image Save", "Load Image Batch", "Load Text File", "Save Text File",
            "Create Video from Path", "Write to GIF", "Write to Video", "Load Cache", "Export API",
            "VHS_LoadVideoPath", "VHS_LoadVideoFFmpegPath", "VHS_LoadImagesPath", "VHS_LoadAudio", "VHS_LoadImagePath",
            "LoadImagesFromFolderKJ", "LoadVideosFromFolder", "SaveImageKJ", "LoadImagesFromDir //Inspire",
            "LoadImageListFromDir //Inspire", "LoadPromptsFromDir //Inspire", "LoadPromptsFromFile //Inspire",
            "easy loadImagesForLoop", "easy imagesSplitImage", "Load Image From Path", "LoadImageFromPath",
            "ImpactLoadImageFromPath", "JWLoadImagesFromString", "DirectoryPath", "SaveImageWebsocketToPath",
        ),
        PATHS,
    ),
    **dict.fromkeys(
        (
            "LoadImageFromUrl", "LoadImageFromURL", "LoadVideoFromURL", "Load Image From Url (mtb)",
            "LoadImageFromHttpURL", "ETN_SendImageWebSocket", "easy imageFromUrl", "UtilLoadImageFromUrl",
            "DownloadAndLoadModel", "LoraLoaderFromURL", "Image Send HTTP", "HTTP Request", "SendToEagle",
            "Send To Telegram", "Discord Webhook",
        ),
        ADDRESSES,
    ),
    **dict.fromkeys(
        (
            "PythonExpression", "Evaluate Python", "EvaluateInts", "EvaluateFloats", "EvaluateStrs", "Execute Python",
            "ExecuteAnything", "IDENode", "KY_Eval_Python", "PyCode", "Python Script", "RunPythonCode", "SystemCommand",
            "ShellCommand", "RunShell", "Lua", "AnyNode", "AnyNodeLocal", "AnyNodeGemini", "ScriptRunner",
            "ACN_Eval", "SimpleEval", "AdvPromptEval", "ComfyUI_Code_Node", "easy pythonExec", "UE_PythonNode",
        ),
        CODE,
    ),
}  # fmt: skip
"""Classes by what they reach, whatever the names of their inputs are."""

_OWN = ("nodes", "comfy_extras", "comfy_api_nodes")
"""The modules that ComfyUI's own classes come from."""

_CLASS_WORDS = {
    "python": CODE, "eval": CODE, "evaluate": CODE, "exec": CODE, "execute": CODE, "shell": CODE, "bash": CODE,
    "script": CODE, "javascript": CODE, "subprocess": CODE, "url": ADDRESSES, "http": ADDRESSES, "webhook": ADDRESSES,
    "download": ADDRESSES, "ftp": ADDRESSES, "frompath": PATHS, "folder": PATHS, "directory": PATHS,
}  # fmt: skip
_INPUT_WORDS = {
    "path": PATHS, "paths": PATHS, "filepath": PATHS, "directory": PATHS, "dir": PATHS, "folder": PATHS,
    "url": ADDRESSES, "urls": ADDRESSES, "uri": ADDRESSES, "webhook": ADDRESSES, "endpoint": ADDRESSES,
    "host": ADDRESSES, "hostname": ADDRESSES,
    "code": CODE, "python": CODE, "script": CODE, "command": CODE, "cmd": CODE, "shell": CODE, "eval": CODE,
}  # fmt: skip

_ADDRESS = re.compile(r"(?:https?|ftp|file|wss?|s3|smb)://\S+", re.IGNORECASE)
_PATH = re.compile(r"~?(?:/[^\s/][^\n/]*){2,}/?|(?:[A-Za-z]:[\\/]|\\\\|\.\.[\\/])\S[^\n]*|.*[\\/]\.\.[\\/].*")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Danger:
    """A node, what people know it by, and what it reaches."""

    node: str
    title: str
    class_type: str
    reaches: str


def named(danger: Danger) -> str:
    """The node in a sentence."""
    title = f'"{danger.title}" ' if danger.title != danger.class_type else ""
    return f"the node {title}({danger.class_type})"


def refusal(danger: Danger) -> str:
    """Why a workflow with this node is not taken."""
    return (
        f"T{named(danger)[1:]} reaches {danger.reaches} on the server, so whoever uses the workflow "
        f"could, too. The owner can allow it with ALLOW_NODES={danger.class_type}."
    )


def dangers(graph: Graph, schemas: NodeSchemas, allowed: Collection[str] = ()) -> Iterator[Danger]:
    """The nodes of a graph that reach beyond pictures, but for those whose class is allowed."""
    for node, body in graph.items():
        class_type = str(body["class_type"])
        reaches = None if class_type in allowed else _reaches(class_type, body["inputs"], schemas)
        if reaches is not None:
            yield Danger(
                node=node, title=title_of(graph, node) or class_type, class_type=class_type, reaches=reaches
            )


def _reaches(class_type: str, inputs: Mapping[str, Any], schemas: NodeSchemas) -> str | None:
    if class_type in KNOWN:
        return KNOWN[class_type]
    if schemas.module(class_type).split(".")[0] in _OWN:
        return _by_values(class_type, inputs, schemas)
    return (
        next((_CLASS_WORDS[word] for word in _words(class_type) if word in _CLASS_WORDS), None)
        or _by_inputs(class_type, inputs, schemas)
        or _by_values(class_type, inputs, schemas)
    )


def _by_inputs(class_type: str, inputs: Mapping[str, Any], schemas: NodeSchemas) -> str | None:
    """By the names of inputs that take free text; a list to choose from reaches what is in it, and no more."""
    for name in inputs:
        spec = schemas.input(class_type, name, inputs)
        free = "STRING" in spec.kinds if spec is not None else isinstance(inputs.get(name), str)
        if free:
            found = next((_INPUT_WORDS[word] for word in _words(name) if word in _INPUT_WORDS), None)
            if found is not None:
                return found
    return None


def _by_values(class_type: str, inputs: Mapping[str, Any], schemas: NodeSchemas) -> str | None:
    """By what stands there: a text that is nothing but a path or an address."""
    for name, value in inputs.items():
        spec = schemas.input(class_type, name, inputs)
        if not isinstance(value, str):
            continue
        if spec is not None and (spec.choices is not None or spec.flag("multiline")):
            continue
        text = value.strip()
        if _ADDRESS.fullmatch(text):
            return ADDRESSES
        if _PATH.fullmatch(text):
            return PATHS
    return None


def _words(name: str) -> list[str]:
    """The words of a name, however they are joined: `LoadImageFromURL`, `video_path`."""
    return [word.casefold() for word in _WORDS.findall(name)]
