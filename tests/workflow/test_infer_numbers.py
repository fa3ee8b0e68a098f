"""Seeds, sizes, lengths, steps: where they stand in graphs that nobody described."""

from __future__ import annotations

from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.workflow.infer.infer import infer
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Role
from tests.workflow.nodes import NODES, graph
from tests.workflow.painting import film, found, painting, sampled, spec

SCHEMAS = NodeSchemas(NODES)


@pytest.mark.parametrize(("turbo", "steps"), [(True, "few.value"), (False, "many.value")])
def test_steps_are_those_of_the_branch_that_is_taken(turbo: bool, steps: str) -> None:
    """A switch over two numbers, told by a boolean."""
    nodes = painting(
        turbo=("PrimitiveBoolean", {"value": turbo}, "Turbo"),
        few=("PrimitiveInt", {"value": 4}, "Int (Steps)"),
        many=("PrimitiveInt", {"value": 40}, "Int (Steps)"),
        pick=("Switch", {"switch": ("turbo", 0), "on_false": ("many", 0), "on_true": ("few", 0)}),
    )
    made = infer(graph(**sampled(nodes, steps=("pick", 0))), SCHEMAS)
    assert found(made, Meaning.STEPS, Meaning.SWITCH) == {"steps": [steps], "turbo": ["turbo.value"]}
    assert spec(made, "steps").maximum == 10000


def test_frames_and_their_rate() -> None:
    """A literal length is in frames."""
    made = infer(graph(**film()), SCHEMAS)
    assert made.role is Role.ANIMATE
    assert found(made, Meaning.LENGTH, Meaning.SECONDS, Meaning.FPS) == {
        "length": ["size.length"],
        "fps": ["film.fps"],
    }
    assert (spec(made, "length").minimum, spec(made, "length").step) == (1, 4)


def test_a_length_that_is_computed_from_a_rate_is_a_time() -> None:
    """Seconds times frames a second, and one more."""
    nodes = film(
        time=("PrimitiveInt", {"value": 5}, "Duration"),
        rate=("PrimitiveInt", {"value": 16}, "Frame Rate"),
        frames=("Math", {"expression": "a * b + 1", "values.a": ("time", 0), "values.b": ("rate", 0)}),
        size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": ("frames", 1), "batch_size": 1}),
        film=("CreateVideo", {"images": ("decode", 0), "fps": ("rate", 0)}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.LENGTH, Meaning.SECONDS, Meaning.FPS) == {
        "duration": ["time.value"],
        "frame_rate": ["rate.value"],
    }
    assert (spec(made, "duration").minimum, spec(made, "duration").description) == (1, "In seconds")


def test_copies_of_a_size_are_set_together_and_a_selector_has_none() -> None:
    """The latent's and the scheduler's; with a selector its own settings stand there instead."""
    nodes = painting(
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
    assert found(made, Meaning.WIDTH, Meaning.HEIGHT, Meaning.STEPS, Meaning.CFG, Meaning.SEED) == {
        "width": ["size.width", "steps.width"],
        "height": ["size.height", "steps.height"],
        "seed": ["noise.noise_seed"],
        "steps": ["steps.steps"],
        "cfg": ["guide.cfg"],
    }
    chosen = painting(
        pick=("ResolutionSelector", {"aspect_ratio": "16:9", "megapixels": 1.0, "multiple": 8}),
        size=("EmptyLatentImage", {"width": ("pick", 0), "height": ("pick", 1), "batch_size": 1}),
    )
    made = infer(graph(**chosen), SCHEMAS)
    assert found(made, Meaning.WIDTH, Meaning.HEIGHT, Meaning.ASPECT_RATIO, Meaning.MEGAPIXELS) == {
        "aspect_ratio": ["pick.aspect_ratio"],
        "megapixels": ["pick.megapixels"],
    }


def test_a_size_that_is_measured_is_that_of_the_node_that_set_it() -> None:
    """A picture that is scaled, then measured; without the scaling, the size is the picture's own."""
    nodes = painting(
        picture=("LoadImage", {"image": "a.png"}),
        scale=("ImageScale", {"image": ("picture", 0), "width": 640, "height": 480}),
        measure=("GetImageSize", {"image": ("scale", 0)}),
        size=("EmptyLatentImage", {"width": ("measure", 0), "height": ("measure", 1), "batch_size": 1}),
    )
    made = infer(graph(**nodes), SCHEMAS)
    assert found(made, Meaning.WIDTH, Meaning.HEIGHT) == {
        "width": ["scale.width"],
        "height": ["scale.height"],
    }
    bare = nodes | {"measure": ("GetImageSize", {"image": ("picture", 0)})}
    del bare["scale"]
    assert found(infer(graph(**bare), SCHEMAS), Meaning.WIDTH, Meaning.HEIGHT) == {}


def _two_stages() -> dict[str, Any]:
    stage = {"steps": 20, "cfg": 5.0, "positive": ("yes", 0), "negative": ("no", 0), "model": ("load", 0)}
    first = {"add_noise": "enable", "noise_seed": 7, "start_at_step": 0, "end_at_step": 10}
    second = {"add_noise": "disable", "noise_seed": 0, "start_at_step": 10, "end_at_step": 10000}
    return painting(
        early=("KSamplerAdvanced", stage | first | {"latent_image": ("size", 0)}),
        sample=("KSamplerAdvanced", stage | second | {"latent_image": ("early", 0)}),
    )


def test_two_stages_are_set_as_one() -> None:
    """Steps and cfg in both; the seed where noise is added."""
    made = infer(graph(**_two_stages()), SCHEMAS)
    assert found(made, Meaning.STEPS, Meaning.CFG, Meaning.SEED) == {
        "seed": ["early.noise_seed"],
        "steps": ["sample.steps", "early.steps"],
        "cfg": ["sample.cfg", "early.cfg"],
    }


def test_values_that_no_node_takes_are_no_defaults() -> None:
    """A graph that another version of a node was made for."""
    made = infer(graph(**sampled(painting(), seed="auto", steps=0, cfg="high")), SCHEMAS)
    assert [spec(made, name).default for name in ("seed", "steps", "cfg")] == [None, 0, None]
    assert spec(made, "steps").minimum == 0


def _cut(**changes: Any) -> dict[str, Any]:
    """A film as long as the part that is cut from another."""
    nodes = film(
        file=("LoadVideo", {"file": "a.mp4"}),
        parts=("FilmParts", {"video": ("file", 0)}),
        frames=("PrimitiveInt", {"value": 121}, "Frame Count"),
        cut=("ImageFromBatch", {"image": ("parts", 0), "batch_index": 0, "length": ("frames", 0)}),
        measure=("GetImageSize", {"image": ("cut", 0)}),
        size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": ("measure", 2), "batch_size": 1}),
    )
    return nodes | changes


def test_a_length_that_is_counted_is_that_of_the_node_that_cut_it() -> None:
    """Frames as they are; seconds if they are computed with the film's own rate, which only a run knows."""
    counted = infer(graph(**_cut()), SCHEMAS)
    assert found(counted, Meaning.LENGTH, Meaning.SECONDS) == {"frame_count": ["frames.value"]}
    assert spec(counted, "frame_count").maximum == 1000
    nodes = _cut(
        time=("PrimitiveInt", {"value": 5}),
        frames=("Math", {"expression": "a * b", "values.a": ("time", 0), "values.b": ("parts", 2)}),
    )
    nodes["cut"][1]["length"] = ("frames", 1)
    assert found(infer(graph(**nodes), SCHEMAS), Meaning.LENGTH, Meaning.SECONDS) == {
        "seconds": ["time.value"]
    }


def test_a_size_is_measured_through_numbers_that_are_passed_on() -> None:
    """A number's node between what measures and what is sized."""
    nodes = painting(
        picture=("LoadImage", {"image": "a.png"}),
        scale=("ImageScale", {"image": ("picture", 0), "width": 640, "height": 480}),
        measure=("GetImageSize", {"image": ("scale", 0)}),
        wide=("PrimitiveInt", {"value": ("measure", 0)}),
        size=("EmptyLatentImage", {"width": ("wide", 0), "height": 480, "batch_size": 1}),
    )
    assert found(infer(graph(**nodes), SCHEMAS), Meaning.WIDTH) == {"width": ["scale.width"]}


def test_the_size_of_a_view_is_none_of_the_result() -> None:
    """What shows or saves something has a size of its own to show it in."""
    nodes: dict[str, Any] = {
        "picture": ("LoadImage", {"image": "a.png"}),
        "make": ("ServiceModel", {"image": ("picture", 0), "prompt": "", "seed": 1}),
        "save": ("SaveModel", {"model": ("make", 0), "filename_prefix": "x", "width": 512, "height": 512}),
    }
    assert found(infer(graph(**nodes), SCHEMAS), Meaning.WIDTH, Meaning.HEIGHT) == {}
