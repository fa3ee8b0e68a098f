"""Latents: encoding, decoding, cutting, and sound next to pictures. A latent is the picture it would decode to."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from PIL import Image

from simulator.nodes import painting, sound
from simulator.nodes.bench import Call, Instant
from simulator.nodes.facts import gather
from simulator.nodes.images import resized
from simulator.nodes.masks import grown
from simulator.nodes.values import Audio, Frames, Latent, digest

_GREY = (128, 122, 116)  # what an empty latent decodes to


def latent_of(frames: Frames) -> Latent:
    """The VAE works on blocks of 8 pixels: what is over is cut off evenly."""
    width, height = (max(8, side // 8 * 8) for side in frames.size)

    def cut(picture: Image.Image) -> Image.Image:
        if picture.size == (width, height):
            return picture.convert("RGB")
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        return picture.convert("RGB").crop((left, top, left + width, top + height))

    trail = digest("latent", frames)
    pictures = frames.mapped(cut, trail, (width, height))
    return Latent(
        digest=trail,
        width=width,
        height=height,
        count=frames.count,
        animated=frames.count > 1,
        pictures=pictures,
    )


def decoded(latent: Latent, decoder: str) -> Frames:
    """The pictures, with what was asked for printed onto what was painted, in a colour of the decoder's."""
    size = latent.width, latent.height
    if latent.pictures is None:
        return Frames(latent.count, size, lambda _: Image.new("RGB", size, _GREY), digest("grey", latent))
    if not latent.text:
        return latent.pictures
    printed = painting.captioned(latent.pictures, latent.text, decoder)
    return printed if latent.mask is None else painting.within(printed, latent.pictures, latent.mask)


def _encode(call: Call) -> tuple[Any, ...]:
    return (replace(latent_of(call.inputs["pixels"]), digest=call.digest),)


def _masked(latent: Latent, mask: Frames, trail: str) -> Latent:
    def fit(one: Image.Image) -> Image.Image:
        return one.resize((latent.width, latent.height), Image.Resampling.BILINEAR)

    fitted = mask.mapped(fit, digest("fitted", mask), (latent.width, latent.height))
    return replace(latent, mask=fitted, digest=trail)


def _encode_for_inpaint(call: Call) -> tuple[Any, ...]:
    mask = resized(call.inputs["mask"], call.inputs["pixels"].size, "bilinear")
    return (_masked(latent_of(call.inputs["pixels"]), grown(mask, call.inputs["grow_mask_by"]), call.digest),)


def _set_mask(call: Call) -> tuple[Any, ...]:
    return (_masked(call.inputs["samples"], call.inputs["mask"], call.digest),)


def _condition_inpainting(call: Call) -> tuple[Any, ...]:
    """The conditioning passes; the latent is the picture, with its mask if that is asked for."""
    inputs = call.inputs
    trail = digest(call.digest, "latent")
    latent = replace(latent_of(inputs["pixels"]), digest=trail)
    if inputs.get("noise_mask", True):
        latent = _masked(latent, inputs["mask"], trail)
    shown = (inputs["pixels"], inputs["mask"])
    changed = [
        replace(
            inputs[side],
            digest=digest(call.digest, side),
            facts=replace(inputs[side].facts, inpaint=shown),
        )
        for side in ("positive", "negative")
    ]
    return *changed, latent


def _decode(call: Call) -> tuple[Any, ...]:
    return (decoded(call.inputs["samples"], digest(call.inputs.get("vae"))),)


def _upscale_by(call: Call) -> tuple[Any, ...]:
    latent: Latent = call.inputs["samples"]
    return (_scaled(latent, call.inputs["scale_by"], call.inputs["upscale_method"], call.digest),)


def _upscale_with_model(call: Call) -> tuple[Any, ...]:
    return (_scaled(call.inputs["samples"], 2.0, "bicubic", call.digest),)


def _scaled(latent: Latent, factor: float, method: str, trail: str) -> Latent:
    width, height = (max(8, round(side / 8 * factor) * 8) for side in (latent.width, latent.height))
    pictures, mask = (
        None if frames is None else resized(frames, (width, height), method)
        for frames in (latent.pictures, latent.mask)
    )
    return replace(latent, width=width, height=height, pictures=pictures, mask=mask, digest=trail)


def _trim(call: Call) -> tuple[Any, ...]:
    """Take frames off the start: each step of the latent is four of them."""
    latent: Latent = call.inputs["samples"]
    return (_cut(latent, min(latent.count - 1, call.inputs["trim_amount"] * 4), latent.count, call.digest),)


def _cut(latent: Latent, start: int, end: int, trail: str) -> Latent:
    end = max(start + 1, min(end, latent.count))
    pictures = latent.pictures
    if pictures is not None:
        pictures = pictures.picked(range(start, end), digest("cut", pictures, start, end))
    return replace(latent, count=end - start, pictures=pictures, digest=trail)


def _cut_latent(call: Call) -> tuple[Any, ...]:
    inputs, latent = call.inputs, call.inputs["samples"]
    if inputs["dim"] != "t":
        return (replace(latent, digest=call.digest),)
    start = min(max(0, inputs["index"]), latent.count - 1)
    return (_cut(latent, start, start + inputs["amount"], call.digest),)


def _cut_to_batch(call: Call) -> tuple[Any, ...]:
    return (replace(call.inputs["samples"], animated=False, digest=call.digest),)


def _concat_av(call: Call) -> tuple[Any, ...]:
    sound_latent: Latent = call.inputs["audio_latent"]
    return (replace(call.inputs["video_latent"], sound=sound_latent, digest=call.digest),)


def _separate_av(call: Call) -> tuple[Any, ...]:
    latent: Latent = call.inputs["av_latent"]
    video = replace(latent, sound=None, digest=digest(call.digest, 0))
    heard = latent.sound or Latent(digest=digest(call.digest, 1), seconds=latent.count / 25)
    return video, heard


def _encode_audio(call: Call) -> tuple[Any, ...]:
    audio: Audio = call.inputs["audio"]
    return (Latent(digest=call.digest, seconds=audio.seconds, facts=gather(call.inputs)),)


def _decode_audio(call: Call) -> tuple[Any, ...]:
    latent: Latent = call.inputs["samples"]
    latent = latent.sound or latent
    seconds = latent.count / 25 if latent.seconds is None else latent.seconds
    return (sound.tune(call.digest, seconds),)


def _replace_frames(call: Call) -> tuple[Any, ...]:
    return (replace(call.inputs["destination"], digest=call.digest),)


LATENTS: Mapping[str, Instant] = {
    "VAEEncode": _encode,
    "VAEEncodeTiled": _encode,
    "VAEEncodeForInpaint": _encode_for_inpaint,
    "SetLatentNoiseMask": _set_mask,
    "InpaintModelConditioning": _condition_inpainting,
    "VAEDecode": _decode,
    "VAEDecodeTiled": _decode,
    "LatentUpscaleBy": _upscale_by,
    "LTXVLatentUpsampler": _upscale_with_model,
    "TrimVideoLatent": _trim,
    "LatentCut": _cut_latent,
    "LatentCutToBatch": _cut_to_batch,
    "ReplaceVideoLatentFrames": _replace_frames,
    "LTXVConcatAVLatent": _concat_av,
    "LTXVSeparateAVLatent": _separate_av,
    "VAEEncodeAudio": _encode_audio,
    "LTXVAudioVAEEncode": _encode_audio,
    "VAEDecodeAudio": _decode_audio,
    "VAEDecodeAudioTiled": _decode_audio,
    "LTXVAudioVAEDecode": _decode_audio,
}
