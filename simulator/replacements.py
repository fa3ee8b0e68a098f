"""Classes that were given up, and what a server makes of nodes that still ask for them."""

from typing import Any

from simulator.schema import CLASSES

Json = dict[str, Any]


def _rule(old: str, new: str, inputs: Json | None = None, widgets: list[str] | None = None) -> Json:
    """One rule as GET /node_replacements tells it; inputs come by the old name, or as `{"value": ...}`."""
    mapping = [
        {"new_id": name, "set_value": source["value"]}
        if isinstance(source, dict)
        else {"new_id": name, "old_id": source}
        for name, source in (inputs or {}).items()
    ]
    about = {"new_node_id": new, "old_node_id": old, "old_widget_ids": widgets}
    return {**about, "input_mapping": mapping or None, "output_mapping": None}


_LONGER_EDGE = {"image": "images", "largest_size": "longer_edge", "upscale_method": {"value": "lanczos"}}
_SCALE_BY = {
    "input": "image",
    "resize_type": {"value": "scale by multiplier"},
    "resize_type.multiplier": "scale_by",
    "scale_method": "upscale_method",
}
_RULES = (
    _rule("ResizeImagesByLongerEdge", "ImageScaleToMaxDimension", _LONGER_EDGE, ["longer_edge"])
    | {"output_mapping": [{"new_idx": 0, "old_idx": 0}]},
    _rule("ImageBatch", "BatchImagesNode", {"images.image0": "image1", "images.image1": "image2"}),
    _rule("ImageScaleBy", "ResizeImageMaskNode", _SCALE_BY, ["upscale_method", "scale_by"]),
    _rule("T2IAdapterLoader", "ControlNetLoader", {"control_net_name": "t2i_adapter_name"}),
    _rule("Load3DAnimation", "Load3D"),
    _rule("Preview3DAnimation", "Preview3D"),
    _rule("SDV_img2vid_Conditioning", "SVD_img2vid_Conditioning"),
    _rule("ConditioningAverage ", "ConditioningAverage"),
)
# In the form of GET /node_replacements. Most old classes are still there: those are not replaced.
REPLACEMENTS: dict[str, list[Json]] = {rule["old_node_id"]: [rule] for rule in _RULES}


def replace_nodes(graph: Any) -> None:
    """Put new classes in the place of old ones that the server does not know any more.

    Inputs that no rule names are lost. Raises AttributeError, KeyError or TypeError for what is no graph
    of nodes, and for an old node without a title or without the inputs that a rule takes over.
    """
    old: list[str] = []
    for node_id, node in graph.items():
        if "class_type" not in node or "inputs" not in node:
            continue
        node["inputs"].items()
        if node["class_type"] not in CLASSES and node["class_type"] in REPLACEMENTS:
            old.append(node_id)
    for node_id in old:
        rule = REPLACEMENTS[graph[node_id]["class_type"]][0]
        if rule["new_node_id"] in CLASSES:
            graph[node_id] = _replaced(graph[node_id], rule)


def _replaced(node: Json, rule: Json) -> Json:
    inputs = {
        entry["new_id"]: entry["set_value"] if "set_value" in entry else node["inputs"][entry["old_id"]]
        for entry in rule["input_mapping"] or ()
    }
    return {**node, "class_type": rule["new_node_id"], "inputs": inputs, "_meta": node["_meta"].copy()}
