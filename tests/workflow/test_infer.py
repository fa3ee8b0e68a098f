"""What is found in graphs that nobody described."""

from __future__ import annotations

from typing import Any

from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterSpec, ParameterType
from bot.workflow.infer.infer import infer
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Role, Target
from tests.workflow.nodes import NODES, graph
from tests.workflow.painting import found, painting, sampled, spec

SCHEMAS = NodeSchemas(NODES)


def test_the_classic_graph_is_a_whole_command() -> None:
    """Each parameter with its type, bounds, default and help, the few first; no node was named by anybody."""
    made = infer(graph(**painting()), SCHEMAS)
    assert made.role is Role.IMAGINE
    assert [(each.spec.name, each.spec.more, [str(t) for t in each.targets]) for each in made.parameters] == [
        ("prompt", False, ["yes.text"]),
        ("width", False, ["size.width"]),
        ("height", False, ["size.height"]),
        ("negative", False, ["no.text"]),
        ("seed", False, ["sample.seed"]),
        ("steps", False, ["sample.steps"]),
        ("cfg", False, ["sample.cfg"]),
        ("denoise", True, ["sample.denoise"]),
        ("count", True, ["size.batch_size"]),
        ("sampler", True, ["sample.sampler_name"]),
        ("scheduler", True, ["sample.scheduler"]),
        ("model", True, ["load.ckpt_name"]),
    ]
    assert spec(made, "prompt") == ParameterSpec(
        name="prompt",
        type=ParameterType.TEXT,
        title="Prompt",
        description="What the result shows",
        required=True,
        max_length=4000,
    )
    assert spec(made, "width") == ParameterSpec(
        name="width",
        type=ParameterType.INTEGER,
        title="Width",
        description="In pixels",
        default=1024,
        minimum=16,
        maximum=16384,
        step=8,
    )
    assert spec(made, "cfg") == ParameterSpec(
        name="cfg",
        type=ParameterType.NUMBER,
        title="CFG",
        description="How closely to follow the prompt",
        default=7.5,
        minimum=0.0,
        maximum=100.0,
    )
    assert spec(made, "model").type is ParameterType.CHOICE


def test_dead_nodes_are_not_asked_for() -> None:
    """A loader that no result needs, and one that only a preview shows."""
    nodes = painting(
        dead=("LoadImage", {"image": "a.png"}),
        seen=("LoadImage", {"image": "a.png"}),
        look=("PreviewImage", {"images": ("seen", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert (found(made, Meaning.IMAGE), made.role) == ({}, Role.IMAGINE)


def test_pictures_are_named_for_what_they_are() -> None:
    """By their title, by the input that takes them, else by number; a picture's transparency may be its mask."""
    service = {"model": "fast", "model.prompt": "run", "model.duration": 5, "seed": 1, "watermark": False}
    nodes: dict[str, Any] = {
        "a": ("LoadImage", {"image": "a.png"}, "Load Image"),
        "b": ("LoadImage", {"image": "a.png"}, "Load Image (Style)"),
        "make": ("ServiceVideo", service | {"first_frame": ("a", 0), "last_frame": ("b", 0)}),
        "save": ("SaveVideo", {"video": ("make", 0), "filename_prefix": "x"}),
    }
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made) == {
        "prompt": ["make.model.prompt"],
        "first_frame": ["a.image"],
        "style": ["b.image"],
        "seconds": ["make.model.duration"],
        "seed": ["make.seed"],
    }
    assert [each.spec.required for each in made.parameters] == [True, True, True, False, False]
    assert spec(made, "seconds").default == "5"
    assert spec(made, "seed").maximum == 2**31 - 1
    assert made.role is Role.ANIMATE


def test_a_mask_may_be_a_pictures_own() -> None:
    """The second output of the same loader; one that gives nothing else is a mask."""
    own = painting(
        picture=("LoadImage", {"image": "a.png"}),
        encode=("VAEEncode", {"pixels": ("picture", 0), "vae": ("load", 2)}),
        masked=("SetLatentNoiseMask", {"samples": ("encode", 0), "mask": ("picture", 1)}),
    )
    made = infer(graph(**sampled(own, latent_image=("masked", 0))), SCHEMAS)
    assert (found(made, Meaning.IMAGE, Meaning.MASK), made.masked) == (
        {"image": ["picture.image"]},
        ("image",),
    )
    two = own | {"mask": ("LoadImage", {"image": "a.png"})}
    two["masked"] = ("SetLatentNoiseMask", {"samples": ("encode", 0), "mask": ("mask", 1)})
    made = infer(graph(**sampled(two, latent_image=("masked", 0))), SCHEMAS)
    assert found(made, Meaning.IMAGE, Meaning.MASK) == {"image": ["picture.image"], "mask": ["mask.image"]}
    assert made.masked == ()


def test_enlarging_a_picture_is_told_from_making_a_larger_one() -> None:
    """By whether anything is sampled first."""
    scaled = {
        "picture": ("LoadImage", {"image": "a.png"}),
        "model": ("UpscaleModelLoader", {"model_name": "4x.pth"}),
        "scale": ("ImageUpscaleWithModel", {"upscale_model": ("model", 0), "image": ("picture", 0)}),
        "save": ("SaveImage", {"images": ("scale", 0), "filename_prefix": "x"}),
    }
    assert infer(graph(**scaled), SCHEMAS).role is Role.UPSCALE
    made = painting(
        big=("UpscaleModelLoader", {"model_name": "4x.pth"}),
        scale=("ImageUpscaleWithModel", {"upscale_model": ("big", 0), "image": ("decode", 0)}),
        save=("SaveImage", {"images": ("scale", 0), "filename_prefix": "x"}),
    )
    assert infer(graph(**made), SCHEMAS).role is Role.IMAGINE


def test_the_authors_labels_are_the_names() -> None:
    """Also where one label of the author's sets several inputs; one that says nothing is no name."""
    labels = {
        Target(node="yes", input="text"): "Subject matter",
        Target(node="sample", input="seed"): "noise_seed",
        Target(node="size", input="width"): "value",
        Target(node="size", input="batch_size"): "Extras",
    }
    together = (Target(node="size", input="height"), Target(node="size", input="width"))
    interface = Interface(labels=labels, together=dict.fromkeys(together, together))
    made = infer(graph(**painting()), SCHEMAS, interface)
    assert found(made, Meaning.PROMPT, Meaning.SEED, Meaning.WIDTH, Meaning.HEIGHT, Meaning.COUNT) == {
        "subject_matter": ["yes.text"],
        "width": ["size.width", "size.height"],
        "noise_seed": ["sample.seed"],
        "extras": ["size.batch_size"],
    }
    assert spec(made, "subject_matter").title == "Subject matter"


def test_a_label_never_makes_a_negative_look_like_the_prompt() -> None:
    """An author's slip stays the author's."""
    labels = {Target(node="no", input="text"): "prompt", Target(node="yes", input="text"): "negative_prompt"}
    made = infer(graph(**painting()), SCHEMAS, Interface(labels=labels))
    assert found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"], "negative": ["no.text"]}


def test_the_authors_app_comes_first_and_alone() -> None:
    """In its order; everything else stands behind 'more'."""
    chosen = (Target(node="sample", input="denoise"), Target(node="yes", input="text"))
    made = infer(graph(**painting()), SCHEMAS, Interface(chosen=chosen))
    names = [(each.spec.name, each.spec.more) for each in made.parameters]
    assert names[:3] == [("denoise", False), ("prompt", False), ("width", True)]
    assert all(more for _, more in names[2:])


def test_classes_that_no_server_knows_do_not_stop_it() -> None:
    """What is known by names and values is found; the rest is left alone."""
    nodes = painting(
        yes=("MyOwnEncoder", {"text": "a red fox", "clip": ("load", 1)}),
        own=("MyOwnNode", {"gain": 3, "from": ("decode", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.SEED, Meaning.STEPS) == {"seed": ["sample.seed"], "steps": ["sample.steps"]}
    assert infer(graph(**nodes), NodeSchemas({})).parameters is not None
