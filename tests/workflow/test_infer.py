"""What is found in graphs that nobody described."""

from __future__ import annotations

from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterSpec, ParameterType
from bot.workflow.infer.infer import MOST_SHOWN, Inferred, infer
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Role, Target
from tests.workflow.nodes import NODES, graph

SCHEMAS = NodeSchemas(NODES)
Found = dict[str, list[str]]


def _found(made: Inferred, *meanings: Meaning) -> Found:
    """The inputs of the parameters of some meanings, by the parameters' names."""
    pairs = zip(made.parameters, made.meanings, strict=True)
    return {
        each.spec.name: [str(t) for t in each.targets]
        for each, kind in pairs
        if not meanings or kind in meanings
    }


def _spec(made: Inferred, name: str) -> ParameterSpec:
    return next(each.spec for each in made.parameters if each.spec.name == name)


def _painting(**changes: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "load": ("CheckpointLoaderSimple", {"ckpt_name": "a.safetensors"}),
        "yes": ("CLIPTextEncode", {"text": "a red fox", "clip": ("load", 1)}),
        "no": ("CLIPTextEncode", {"text": "blurry", "clip": ("load", 1)}),
        "size": ("EmptyLatentImage", {"width": 1024, "height": 768, "batch_size": 1}),
        "sample": (
            "KSampler",
            {
                "model": ("load", 0), "seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler",
                "scheduler": "simple", "positive": ("yes", 0), "negative": ("no", 0),
                "latent_image": ("size", 0), "denoise": 1,
            },
        ),
        "decode": ("VAEDecode", {"samples": ("sample", 0), "vae": ("load", 2)}),
        "save": ("SaveImage", {"images": ("decode", 0), "filename_prefix": "x"}),
    }  # fmt: skip
    return nodes | changes


def _sampled(nodes: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """The same graph with other inputs of its sampler."""
    kind, old, *_ = nodes["sample"]
    return nodes | {"sample": (kind, old | inputs)}


def test_the_classic_graph_is_a_whole_command() -> None:
    """Each parameter with its type, bounds, default and help, the few first; no node was named by anybody."""
    made = infer(graph(**_painting()), SCHEMAS)
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
    assert _spec(made, "prompt") == ParameterSpec(
        name="prompt",
        type=ParameterType.TEXT,
        title="Prompt",
        description="What the result shows",
        required=True,
        max_length=4000,
    )
    assert _spec(made, "width") == ParameterSpec(
        name="width",
        type=ParameterType.INTEGER,
        title="Width",
        description="In pixels",
        default=1024,
        minimum=16,
        maximum=16384,
        step=8,
    )
    assert _spec(made, "cfg") == ParameterSpec(
        name="cfg",
        type=ParameterType.NUMBER,
        title="CFG",
        description="How closely to follow the prompt",
        default=7.5,
        minimum=0.0,
        maximum=100.0,
    )
    assert _spec(made, "model").type is ParameterType.CHOICE


def test_titles_do_not_swap_what_the_links_say() -> None:
    """An encoder titled as the negative that goes in as the positive is the prompt."""
    kind, inputs = _painting()["yes"]
    other = _painting()["no"][1]
    nodes = _painting(yes=(kind, inputs, "Negative prompt"), no=(kind, other, "Positive prompt"))
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"], "negative": ["no.text"]}


def test_polarity_goes_through_nodes_with_two_outputs_and_combinations() -> None:
    """By the outputs' names, not their order."""
    nodes = _painting(
        second=("CLIPTextEncode", {"text": "in snow", "clip": ("load", 1)}),
        both=("ConditioningCombine", {"conditioning_1": ("yes", 0), "conditioning_2": ("second", 0)}),
        picture=("LoadImage", {"image": "a.png"}),
        control=(
            "ControlNetApply",
            {"positive": ("both", 0), "negative": ("no", 0), "image": ("picture", 0), "strength": 1.0},
        ),
    )
    made = infer(graph(**_sampled(nodes, positive=("control", 0), negative=("control", 1))), SCHEMAS)
    assert _found(made, Meaning.NEGATIVE) == {"negative": ["no.text"]}
    assert sorted(str(t) for each in _found(made, Meaning.PROMPT).values() for t in each) == [
        "second.text",
        "yes.text",
    ]
    assert made.role is Role.EDIT


def test_a_zeroed_negative_is_none() -> None:
    """Whatever text it was made of."""
    own = _painting(zero=("ConditioningZeroOut", {"conditioning": ("no", 0)}))
    made = infer(graph(**_sampled(own, negative=("zero", 0))), SCHEMAS)
    assert _found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"]}
    shared = infer(graph(**_sampled(_painting(), negative=("yes", 0))), SCHEMAS)
    assert _found(shared, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"]}


def test_what_is_looked_for_is_no_prompt() -> None:
    """The text of an encoder that ends in a detector."""
    nodes = _painting(
        what=("CLIPTextEncode", {"text": "cat", "clip": ("load", 1)}),
        picture=("LoadImage", {"image": "a.png"}),
        find=("Detect", {"model": ("load", 0), "image": ("picture", 0), "conditioning": ("what", 0)}),
        mask=("SetLatentNoiseMask", {"samples": ("size", 0), "mask": ("find", 0)}),
    )
    made = infer(graph(**_sampled(nodes, latent_image=("mask", 0))), SCHEMAS)
    assert _found(made, Meaning.PROMPT, Meaning.OBJECT) == {"prompt": ["yes.text"], "object": ["what.text"]}


def test_the_prompt_is_found_behind_its_glue() -> None:
    """Through a switch, a generator of text and two texts joined: the person's words, not the orders for the model."""
    nodes = _painting(
        words=("PrimitiveText", {"value": "a red fox"}, "Text (User Prompt)"),
        orders=("PrimitiveText", {"value": "You are an expert. Expand this:"}, "Text (System Prompt)"),
        joined=("Concatenate", {"string_a": ("orders", 0), "string_b": ("words", 0), "delimiter": ""}),
        write=("TextGenerate", {"clip": ("load", 1), "prompt": ("joined", 0), "max_length": 9, "seed": 1}),
        refine=("PrimitiveBoolean", {"value": True}, "Boolean (Refine prompt?)"),
        pick=("Switch", {"switch": ("refine", 0), "on_false": ("words", 0), "on_true": ("write", 0)}),
        look=("PreviewAny", {"source": ("pick", 0)}),
        styled=(
            "Concatenate",
            {"string_a": ("look", 0), "string_b": "in the style of ink", "delimiter": ", "},
        ),
        yes=("CLIPTextEncode", {"text": ("styled", 0), "clip": ("load", 1)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.PROMPT, Meaning.SYSTEM, Meaning.SWITCH, Meaning.SEED) == {
        "user_prompt": ["words.value"],
        "seed": ["sample.seed"],
        "refine_prompt": ["refine.value"],
        "system_prompt": ["orders.value"],
    }


@pytest.mark.parametrize(("turbo", "steps"), [(True, "few.value"), (False, "many.value")])
def test_steps_are_those_of_the_branch_that_is_taken(turbo: bool, steps: str) -> None:
    """A switch over two numbers, told by a boolean."""
    nodes = _painting(
        turbo=("PrimitiveBoolean", {"value": turbo}, "Turbo"),
        few=("PrimitiveInt", {"value": 4}, "Int (Steps)"),
        many=("PrimitiveInt", {"value": 40}, "Int (Steps)"),
        pick=("Switch", {"switch": ("turbo", 0), "on_false": ("many", 0), "on_true": ("few", 0)}),
    )
    made = infer(graph(**_sampled(nodes, steps=("pick", 0))), SCHEMAS)
    assert _found(made, Meaning.STEPS, Meaning.SWITCH) == {"steps": [steps], "turbo": ["turbo.value"]}
    assert _spec(made, "steps").maximum == 10000


def test_a_numbered_switch_is_followed() -> None:
    """By the number that it has."""
    nodes = _painting(
        first=("PrimitiveText", {"value": "a dog"}),
        second=("PrimitiveText", {"value": "a fox"}),
        pick=("IndexSwitch", {"select": 2, "input1": ("first", 0), "input2": ("second", 0)}),
        yes=("CLIPTextEncode", {"text": ("pick", 0), "clip": ("load", 1)}),
    )
    assert _found(infer(graph(**nodes), SCHEMAS), Meaning.PROMPT) == {"prompt": ["second.value"]}


def _film(**changes: Any) -> dict[str, Any]:
    nodes = _painting(
        size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": 81, "batch_size": 1}),
        film=("CreateVideo", {"images": ("decode", 0), "fps": 16.0}),
        save=("SaveVideo", {"video": ("film", 0), "filename_prefix": "x"}),
    )
    return nodes | changes


def test_frames_and_their_rate() -> None:
    """A literal length is in frames."""
    made = infer(graph(**_film()), SCHEMAS)
    assert made.role is Role.ANIMATE
    assert _found(made, Meaning.LENGTH, Meaning.SECONDS, Meaning.FPS) == {
        "length": ["size.length"],
        "fps": ["film.fps"],
    }
    assert (_spec(made, "length").minimum, _spec(made, "length").step) == (1, 4)


def test_a_length_that_is_computed_from_a_rate_is_a_time() -> None:
    """Seconds times frames a second, and one more."""
    nodes = _film(
        time=("PrimitiveInt", {"value": 5}, "Duration"),
        rate=("PrimitiveInt", {"value": 16}, "Frame Rate"),
        frames=("Math", {"expression": "a * b + 1", "values.a": ("time", 0), "values.b": ("rate", 0)}),
        size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": ("frames", 1), "batch_size": 1}),
        film=("CreateVideo", {"images": ("decode", 0), "fps": ("rate", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.LENGTH, Meaning.SECONDS, Meaning.FPS) == {
        "duration": ["time.value"],
        "frame_rate": ["rate.value"],
    }
    assert (_spec(made, "duration").minimum, _spec(made, "duration").description) == (1, "In seconds")


def test_copies_of_a_size_are_set_together_and_a_selector_has_none() -> None:
    """The latent's and the scheduler's; with a selector its own settings stand there instead."""
    nodes = _painting(
        noise=("RandomNoise", {"noise_seed": 3}),
        guide=("CFGGuider", {"model": ("load", 0), "positive": ("yes", 0), "negative": ("no", 0), "cfg": 3}),
        steps=("SizedScheduler", {"steps": 20, "width": 1024, "height": 768}),
        sample=(
            "SamplerCustomAdvanced",
            {
                "noise": ("noise", 0),
                "guider": ("guide", 0),
                "sigmas": ("steps", 0),
                "latent_image": ("size", 0),
            },
        ),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.WIDTH, Meaning.HEIGHT, Meaning.STEPS, Meaning.CFG, Meaning.SEED) == {
        "width": ["size.width", "steps.width"],
        "height": ["size.height", "steps.height"],
        "seed": ["noise.noise_seed"],
        "steps": ["steps.steps"],
        "cfg": ["guide.cfg"],
    }
    chosen = _painting(
        pick=("ResolutionSelector", {"aspect_ratio": "16:9", "megapixels": 1.0, "multiple": 8}),
        size=("EmptyLatentImage", {"width": ("pick", 0), "height": ("pick", 1), "batch_size": 1}),
    )
    made = infer(graph(**chosen), SCHEMAS)
    assert _found(made, Meaning.WIDTH, Meaning.HEIGHT, Meaning.ASPECT_RATIO, Meaning.MEGAPIXELS) == {
        "aspect_ratio": ["pick.aspect_ratio"],
        "megapixels": ["pick.megapixels"],
    }


def test_a_size_that_is_measured_is_that_of_the_node_that_set_it() -> None:
    """A picture that is scaled, then measured; without the scaling, the size is the picture's own."""
    nodes = _painting(
        picture=("LoadImage", {"image": "a.png"}),
        scale=("ImageScale", {"image": ("picture", 0), "width": 640, "height": 480}),
        measure=("GetImageSize", {"image": ("scale", 0)}),
        size=("EmptyLatentImage", {"width": ("measure", 0), "height": ("measure", 1), "batch_size": 1}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.WIDTH, Meaning.HEIGHT) == {
        "width": ["scale.width"],
        "height": ["scale.height"],
    }
    bare = nodes | {"measure": ("GetImageSize", {"image": ("picture", 0)})}
    del bare["scale"]
    assert _found(infer(graph(**bare), SCHEMAS), Meaning.WIDTH, Meaning.HEIGHT) == {}


def _two_stages() -> dict[str, Any]:
    stage = {"steps": 20, "cfg": 5.0, "positive": ("yes", 0), "negative": ("no", 0), "model": ("load", 0)}
    first = {"add_noise": "enable", "noise_seed": 7, "start_at_step": 0, "end_at_step": 10}
    second = {"add_noise": "disable", "noise_seed": 0, "start_at_step": 10, "end_at_step": 10000}
    return _painting(
        early=("KSamplerAdvanced", stage | first | {"latent_image": ("size", 0)}),
        sample=("KSamplerAdvanced", stage | second | {"latent_image": ("early", 0)}),
    )


def test_two_stages_are_set_as_one() -> None:
    """Steps and cfg in both; the seed where noise is added."""
    made = infer(graph(**_two_stages()), SCHEMAS)
    assert _found(made, Meaning.STEPS, Meaning.CFG, Meaning.SEED) == {
        "seed": ["early.noise_seed"],
        "steps": ["sample.steps", "early.steps"],
        "cfg": ["sample.cfg", "early.cfg"],
    }


def test_dead_nodes_are_not_asked_for() -> None:
    """A loader that no result needs, and one that only a preview shows."""
    nodes = _painting(
        dead=("LoadImage", {"image": "a.png"}),
        seen=("LoadImage", {"image": "a.png"}),
        look=("PreviewImage", {"images": ("seen", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert (_found(made, Meaning.IMAGE), made.role) == ({}, Role.IMAGINE)


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
    assert _found(made) == {
        "prompt": ["make.model.prompt"],
        "first_frame": ["a.image"],
        "style": ["b.image"],
        "seconds": ["make.model.duration"],
        "seed": ["make.seed"],
    }
    assert [each.spec.required for each in made.parameters] == [True, True, True, False, False]
    assert _spec(made, "seconds").default == "5"
    assert _spec(made, "seed").maximum == 2**31 - 1
    assert made.role is Role.ANIMATE


def test_a_mask_may_be_a_pictures_own() -> None:
    """The second output of the same loader; one that gives nothing else is a mask."""
    own = _painting(
        picture=("LoadImage", {"image": "a.png"}),
        encode=("VAEEncode", {"pixels": ("picture", 0), "vae": ("load", 2)}),
        masked=("SetLatentNoiseMask", {"samples": ("encode", 0), "mask": ("picture", 1)}),
    )
    made = infer(graph(**_sampled(own, latent_image=("masked", 0))), SCHEMAS)
    assert (_found(made, Meaning.IMAGE, Meaning.MASK), made.masked) == (
        {"image": ["picture.image"]},
        ("image",),
    )
    two = own | {"mask": ("LoadImage", {"image": "a.png"})}
    two["masked"] = ("SetLatentNoiseMask", {"samples": ("encode", 0), "mask": ("mask", 1)})
    made = infer(graph(**_sampled(two, latent_image=("masked", 0))), SCHEMAS)
    assert _found(made, Meaning.IMAGE, Meaning.MASK) == {"image": ["picture.image"], "mask": ["mask.image"]}
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
    made = _painting(
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
    made = infer(graph(**_painting()), SCHEMAS, interface)
    assert _found(made, Meaning.PROMPT, Meaning.SEED, Meaning.WIDTH, Meaning.HEIGHT, Meaning.COUNT) == {
        "subject_matter": ["yes.text"],
        "width": ["size.width", "size.height"],
        "noise_seed": ["sample.seed"],
        "extras": ["size.batch_size"],
    }
    assert _spec(made, "subject_matter").title == "Subject matter"


def test_a_label_never_makes_a_negative_look_like_the_prompt() -> None:
    """An author's slip stays the author's."""
    labels = {Target(node="no", input="text"): "prompt", Target(node="yes", input="text"): "negative_prompt"}
    made = infer(graph(**_painting()), SCHEMAS, Interface(labels=labels))
    assert _found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {"prompt": ["yes.text"], "negative": ["no.text"]}


def test_the_authors_app_comes_first_and_alone() -> None:
    """In its order; everything else stands behind 'more'."""
    chosen = (Target(node="sample", input="denoise"), Target(node="yes", input="text"))
    made = infer(graph(**_painting()), SCHEMAS, Interface(chosen=chosen))
    names = [(each.spec.name, each.spec.more) for each in made.parameters]
    assert names[:3] == [("denoise", False), ("prompt", False), ("width", True)]
    assert all(more for _, more in names[2:])


def test_prompts_that_make_the_workflow_stay_behind() -> None:
    """Many parallel pictures, each with its own words: nobody writes them all anew, and they are never made one."""
    nodes = _painting()
    del nodes["save"]
    for number in range(4):
        nodes |= {
            f"yes{number}": ("CLIPTextEncode", {"text": f"view {number}", "clip": ("load", 1)}),
            f"sample{number}": ("KSampler", nodes["sample"][1] | {"positive": (f"yes{number}", 0)}),
            f"decode{number}": ("VAEDecode", {"samples": (f"sample{number}", 0), "vae": ("load", 2)}),
            f"save{number}": ("SaveImage", {"images": (f"decode{number}", 0), "filename_prefix": "x"}),
        }
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.PROMPT) == {
        "prompt": ["yes0.text"],
        "prompt_2": ["yes1.text"],
        "prompt_3": ["yes2.text"],
        "prompt_4": ["yes3.text"],
    }
    assert _found(made, Meaning.SEED) == {"seed": [f"sample{number}.seed" for number in range(4)]}
    assert not any(each.spec.required for each in made.parameters)
    assert sum(not each.spec.more for each in made.parameters) <= MOST_SHOWN


def test_classes_that_no_server_knows_do_not_stop_it() -> None:
    """What is known by names and values is found; the rest is left alone."""
    nodes = _painting(
        yes=("MyOwnEncoder", {"text": "a red fox", "clip": ("load", 1)}),
        own=("MyOwnNode", {"gain": 3, "from": ("decode", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert _found(made, Meaning.SEED, Meaning.STEPS) == {"seed": ["sample.seed"], "steps": ["sample.steps"]}
    assert infer(graph(**nodes), NodeSchemas({})).parameters is not None


def test_values_that_no_node_takes_are_no_defaults() -> None:
    """A graph that another version of a node was made for."""
    made = infer(graph(**_sampled(_painting(), seed="auto", steps=0, cfg="high")), SCHEMAS)
    assert [_spec(made, name).default for name in ("seed", "steps", "cfg")] == [None, 0, None]
    assert _spec(made, "steps").minimum == 0
