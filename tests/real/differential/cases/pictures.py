"""Nodes that need no model and make, change or save pictures; every pixel is compared."""

from __future__ import annotations

from typing import Any

from PIL import Image

from tests.real.differential.answers import Json
from tests.real.differential.case import Act, Group
from tests.real.differential.graphs import animation, empty, encoded, node, photo, placed, save, see_through
from tests.real.differential.side import Side

pictures = Group("picture")

_EXIF = Image.Exif()
_EXIF[0x0112] = 6  # lying on its side
FILES = {
    "photo.png": encoded(photo()),
    "other.png": encoded(photo(40, 40).rotate(180)),
    "clear.png": encoded(see_through()),
    "grey.png": encoded(photo().convert("L")),
    "palette.png": encoded(photo().convert("P", palette=Image.Palette.ADAPTIVE)),
    "deep.png": encoded(Image.linear_gradient("L").resize((48, 32)).convert("I;16")),
    "lossy.jpg": encoded(photo(), "JPEG", quality=95),
    "turned.jpg": encoded(photo(), "JPEG", quality=95, exif=_EXIF),
    "frames.gif": animation("GIF"),
    "frames.webp": animation("WEBP"),
    "still.webp": encoded(photo(), "WEBP", lossless=True),
    "mask.png": encoded(Image.radial_gradient("L").resize((48, 32)).convert("RGB")),
}


def _load(name: str = "photo.png") -> Json:
    return node("LoadImage", image=f"RUN/{name}")


def _one(class_type: str, **inputs: Any) -> Json:
    """A node between the photo and the end of the graph."""
    return {"1": _load(), "2": node(class_type, **{"image": ["1", 0], **inputs})}


def _two(class_type: str, first: str, second: str, **inputs: Any) -> Json:
    """A node of two pictures of different sizes."""
    graph = {"1": _load(), "0": _load("other.png")}
    return {**graph, "2": node(class_type, **{first: ["1", 0], second: ["0", 0], **inputs})}


def _masked(class_type: str, **inputs: Any) -> Json:
    """A node between a mask with soft edges and the end of the graph."""
    loaded = node("LoadImageMask", image="RUN/mask.png", channel="red")
    return {"1": loaded, "2": node(class_type, **{"mask": ["1", 0], **inputs})}


def _scaled(method: str, width: int, height: int, crop: str = "disabled") -> Json:
    return _one("ImageScale", upscale_method=method, width=width, height=height, crop=crop)


METHODS = ("nearest-exact", "bilinear", "area", "bicubic", "lanczos")
# What node "2" gives in its first slot is saved.
IMAGES: dict[str, Json] = {
    "empty": {"2": empty(0x123456, 20, 10, 3)},
    **{f"load {name}": {"2": _load(name)} for name in FILES if name != "mask.png"},
    "load with annotation": {"2": node("LoadImage", image="RUN/photo.png [input]")},
    **{f"scale up {method}": _scaled(method, 96, 64) for method in METHODS},
    **{f"scale down {method}": _scaled(method, 17, 11) for method in METHODS},
    "scale cropped": _scaled("bilinear", 32, 32, "center"),
    "scale cropped upright": _scaled("nearest-exact", 20, 50, "center"),
    "scale width only": _scaled("area", 24, 0),
    "scale height only": _scaled("area", 0, 50),
    "scale neither": _scaled("area", 0, 0),
    "scale by": _one("ImageScaleBy", upscale_method="bicubic", scale_by=1.37),
    "scale by less": _one("ImageScaleBy", upscale_method="area", scale_by=0.33),
    "scale to pixels": _one(
        "ImageScaleToTotalPixels", upscale_method="lanczos", megapixels=0.01, resolution_steps=1
    ),
    "scale to pixels in steps": _one(
        "ImageScaleToTotalPixels", upscale_method="area", megapixels=0.02, resolution_steps=16
    ),
    "scale to side": _one("ImageScaleToMaxDimension", upscale_method="area", largest_size=30),
    "invert": _one("ImageInvert"),
    "batch": _two("ImageBatch", "image1", "image2"),
    "batch grown": _two("BatchImagesNode", "images.image0", "images.image1"),
    "crop": _one("ImageCrop", width=20, height=10, x=5, y=7),
    "crop beyond": _one("ImageCrop", width=512, height=512, x=40, y=30),
    "crop outside": _one("ImageCrop", width=8, height=8, x=500, y=500),
    "crop region": _one("ImageCropV2", crop_region={"x": 4, "y": 3, "width": 12, "height": 9}),
    "pad": _one("ImagePadForOutpaint", left=8, top=0, right=16, bottom=24, feathering=0),
    "pad feathered": _one("ImagePadForOutpaint", left=8, top=8, right=8, bottom=8, feathering=6),
    "composite": _two("ImageCompositeMasked", "destination", "source", x=10, y=5, resize_source=False),
    "composite resized": _two("ImageCompositeMasked", "destination", "source", x=0, y=0, resize_source=True),
    "composite masked": {
        **_two("ImageCompositeMasked", "destination", "source", x=4, y=4, resize_source=False, mask=["3", 0]),
        "3": node("LoadImageMask", image="RUN/mask.png", channel="red"),
    },
    "join alpha": {**_one("JoinImageWithAlpha", alpha=["3", 1]), "3": _load("clear.png")},
    "split alpha": {"1": _load("clear.png"), "2": node("SplitImageWithAlpha", image=["1", 0])},
    "from batch": {
        "1": _load("frames.gif"), "2": node("ImageFromBatch", image=["1", 0], batch_index=1, length=2)
    },
    "from batch beyond": _one("ImageFromBatch", batch_index=9, length=9),
    "repeat": _one("RepeatImageBatch", amount=3),
    "flip": _one("ImageFlip", flip_method="x-axis: vertically"),
    "flip sideways": _one("ImageFlip", flip_method="y-axis: horizontally"),
    **{f"rotate {angle}": _one("ImageRotate", rotation=f"{angle} degrees") for angle in (90, 180, 270)},
    **{
        f"blend {mode}": _two("ImageBlend", "image1", "image2", blend_factor=0.4, blend_mode=mode)
        for mode in ("normal", "multiply", "screen", "overlay", "soft_light", "difference")
    },
    "blur": _one("ImageBlur", blur_radius=3, sigma=1.5),
    "sharpen": _one("ImageSharpen", sharpen_radius=2, sigma=1.0, alpha=0.8),
    "quantize": _one("ImageQuantize", colors=6, dither="none"),
    "stitch": _two(
        "ImageStitch", "image1", "image2",
        direction="right", match_image_size=True, spacing_width=4, spacing_color="red",
    ),
    "stitch down": _two(
        "ImageStitch", "image1", "image2",
        direction="down", match_image_size=False, spacing_width=0, spacing_color="white",
    ),
    "resize and pad": _one(
        "ResizeAndPadImage", target_width=40, target_height=40, padding_color="white", interpolation="area"
    ),
    "resize in one of many ways": {
        "1": _load(),
        "2": node(
            "ResizeImageMaskNode", input=["1", 0], scale_method="area", resize_type="scale longer dimension",
            **{"resize_type.longer_size": 24},
        ),
    },
    "mask to image": _masked("MaskToImage"),
    "replaced class": {"1": _load(), "2": node("ResizeImagesByLongerEdge", images=["1", 0], longer_edge=24)},
}  # fmt: skip
# What node "2" gives in the slot named is turned into a picture and saved.
MASKS: dict[str, tuple[Json, int]] = {
    "of a clear picture": ({"2": _load("clear.png")}, 1),
    "of a picture without": ({"2": _load()}, 1),
    "of a palette": ({"2": _load("palette.png")}, 1),
    **{
        f"channel {channel}": ({"2": node("LoadImageMask", image="RUN/clear.png", channel=channel)}, 0)
        for channel in ("alpha", "red", "green", "blue")
    },
    "alpha that is not there": ({"2": node("LoadImageMask", image="RUN/photo.png", channel="alpha")}, 0),
    "from a picture": (_one("ImageToMask", channel="green"), 0),
    "from a colour": (
        {"1": empty(0xFF0000), "2": node("ImageColorToMask", image=["1", 0], color=0xFF0000)},
        0,
    ),
    "pad": (_one("ImagePadForOutpaint", left=8, top=8, right=8, bottom=8, feathering=6), 1),
    "split alpha": ({"1": _load("clear.png"), "2": node("SplitImageWithAlpha", image=["1", 0])}, 1),
    "solid": ({"2": node("SolidMask", value=0.3, width=20, height=10)}, 0),
    "invert": (_masked("InvertMask"), 0),
    "crop": (_masked("CropMask", x=3, y=4, width=20, height=10), 0),
    "grow": (_masked("GrowMask", expand=3, tapered_corners=True), 0),
    "grow square": (_masked("GrowMask", expand=3, tapered_corners=False), 0),
    "shrink": (_masked("GrowMask", expand=-3, tapered_corners=True), 0),
    "feather": (_masked("FeatherMask", left=6, top=0, right=9, bottom=5), 0),
    "threshold": (_masked("ThresholdMask", value=0.5), 0),
    **{
        f"composite {way}": (
            {
                "1": node("LoadImageMask", image="RUN/mask.png", channel="red"),
                "3": node("SolidMask", value=0.6, width=20, height=10),
                "2": node("MaskComposite", destination=["1", 0], source=["3", 0], x=5, y=6, operation=way),
            },
            0,
        )
        for way in ("multiply", "add", "subtract", "and", "or", "xor")
    },
}
# Graphs with ends of their own.
WHOLE: dict[str, Json] = {
    "preview": {"1": _load(), "2": node("PreviewImage", images=["1", 0])},
    "preview of a mask": {"1": _load("clear.png"), "2": node("MaskPreview", mask=["1", 1])},
    "save transparent": {**_one("JoinImageWithAlpha", alpha=["3", 1]), "3": _load("clear.png"),
                         "4": save(["2", 0], "RUN/clear")},
    "save batch": {"1": empty(0x00AA00, 12, 8, 3), "2": save(["1", 0], "RUN/batch")},
    "save with pattern": {"1": empty(1, 12, 8), "2": save(["1", 0], "RUN/%width%x%height%_%batch_num%")},
    "save in folders": {"1": empty(2, 12, 8), "2": save(["1", 0], "RUN/a/b/c")},
    "save with odd letters": {"1": empty(3, 12, 8), "2": save(["1", 0], "RUN/кот & é (1)")},
    "save twice": {"1": empty(4, 12, 8), "2": save(["1", 0], "RUN/same"), "3": save(["2", 0], "RUN/same")},
    "save websocket": {"1": empty(5, 12, 8, 2), "2": node("SaveImageWebsocket", images=["1", 0])},
    "save advanced png": {
        "1": _load(),
        "2": node(
            "SaveImageAdvanced", images=["1", 0], filename_prefix="RUN/advanced", format="png",
            **{"format.bit_depth": "8-bit", "format.input_color_space": "sRGB"},
        ),
    },
    "save animated png": {
        "1": _load("frames.gif"),
        "2": node("SaveAnimatedPNG", images=["1", 0], filename_prefix="RUN/anim", fps=6.0, compress_level=4),
    },
    **{
        f"save animated webp {name}": {
            "1": _load("frames.gif"),
            "2": node(
                "SaveAnimatedWEBP", images=["1", 0], filename_prefix="RUN/anim", fps=6.0,
                lossless=lossless, quality=80, method="default",
            ),
        }
        for name, lossless in {"lossless": True, "lossy": False}.items()
    },
}  # fmt: skip


def _shown(graph: Json, link: list[Any]) -> Json:
    return {**graph, "end": save(link, "RUN/shown")}


def _through_mask(graph: Json, slot: int) -> Json:
    return _shown({**graph, "shown": node("MaskToImage", mask=["2", slot])}, ["shown", 0])


def runs_of(graph: Json) -> Act:
    """Upload what the graph loads, and run it."""

    async def act(side: Side) -> Json:
        fresh = placed(graph, side.run_name)
        for name, data in FILES.items():
            if any(f"/{name}" in str(entry["inputs"]) for entry in fresh.values()):
                await side.upload(name, data)
        return await side.run(fresh)

    return act


for _name, _graph in IMAGES.items():
    pictures.add(_name, runs_of(_shown(_graph, ["2", 0])))
for _name, (_graph, _slot) in MASKS.items():
    pictures.add(f"mask {_name}", runs_of(_through_mask(_graph, _slot)))
for _name, _graph in WHOLE.items():
    pictures.add(_name, runs_of(_graph))
