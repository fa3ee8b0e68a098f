"""Sound: little tunes that a digest chooses, and what is done to sound on its way."""

import math
import random
from array import array
from collections.abc import Mapping
from typing import Any

from simulator.nodes.bench import Call, Instant
from simulator.nodes.values import Audio, digest

RATE = 44100
LONGEST = 900.0  # seconds: more is cut, as nobody listens to it
_SCALE = (0, 2, 4, 7, 9, 12, 14, 16)  # half tones above the ground tone


def tune(trail: str, seconds: float, rate: int = RATE) -> Audio:
    """Eight notes again and again, in stereo; other digests give other notes."""
    seconds = min(LONGEST, max(0.05, seconds))
    dice = random.Random(trail)
    ground = 110 * 2 ** (dice.randrange(12) / 12)
    length = rate // dice.choice((3, 4, 5))
    bar = b"".join(_note(ground * 2 ** (dice.choice(_SCALE) / 12), length, rate) for _ in range(8))
    needed = round(seconds * rate) * 4
    pcm = (bar * (needed // len(bar) + 1))[:needed]
    return Audio(rate=rate, channels=2, pcm=pcm, digest=digest("tune", trail, seconds, rate))


def _note(pitch: float, length: int, rate: int) -> bytes:
    """So many samples of one tone: a single wave, repeated, which costs next to nothing."""
    wave = max(2, round(rate / pitch))
    samples = array("h")
    for place in range(wave):
        level = round(
            9000 * (math.sin(math.tau * place / wave) + 0.3 * math.sin(2 * math.tau * place / wave))
        )
        samples.extend((level, level))
    return (samples.tobytes() * (length // wave + 1))[: length * 4]


def silence(seconds: float, rate: int, channels: int, trail: str) -> Audio:
    """Nothing to hear, for so long."""
    return Audio(rate=rate, channels=channels, pcm=bytes(round(seconds * rate) * 2 * channels), digest=trail)


def cut(audio: Audio, start: float, seconds: float, trail: str) -> Audio:
    """A part of a sound; a negative start counts from the end."""
    frame = 2 * audio.channels
    first = start if start >= 0 else max(0.0, audio.seconds + start)
    left = round(first * audio.rate) * frame
    right = left + max(1, round(seconds * audio.rate)) * frame
    return Audio(rate=audio.rate, channels=audio.channels, pcm=audio.pcm[left:right], digest=trail)


def alike(audio: Audio, model: Audio) -> Audio:
    """A sound with the rate and channels of another one."""
    if (audio.rate, audio.channels) == (model.rate, model.channels):
        return audio
    samples = array("h", audio.pcm)
    count = len(samples) // audio.channels
    wanted = round(count * model.rate / audio.rate)
    places = [min(count - 1, number * audio.rate // model.rate) for number in range(wanted)]
    sides = [samples[min(side, audio.channels - 1) :: audio.channels] for side in range(model.channels)]
    mixed = array("h", bytes(2 * wanted * model.channels))
    for side, line in enumerate(sides):
        mixed[side :: model.channels] = array("h", [line[place] for place in places])
    return Audio(
        rate=model.rate, channels=model.channels, pcm=mixed.tobytes(), digest=digest("alike", audio, model)
    )


def _empty(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    return (silence(inputs["duration"], inputs["sample_rate"], inputs["channels"], call.digest),)


def _trim(call: Call) -> tuple[Any, ...]:
    return (cut(call.inputs["audio"], call.inputs["start_index"], call.inputs["duration"], call.digest),)


def _concat(call: Call) -> tuple[Any, ...]:
    first = call.inputs["audio1"]
    second = alike(call.inputs["audio2"], first)
    parts = (first, second) if call.inputs["direction"] == "after" else (second, first)
    pcm = b"".join(part.pcm for part in parts)
    return (Audio(rate=first.rate, channels=first.channels, pcm=pcm, digest=call.digest),)


def _merge(call: Call) -> tuple[Any, ...]:
    first = call.inputs["audio1"]
    second = array("h", alike(call.inputs["audio2"], first).pcm)
    mixed = array("h", first.pcm)
    method = call.inputs["merge_method"]
    for place in range(min(len(mixed), len(second))):
        level = mixed[place] - second[place] if method == "subtract" else mixed[place] + second[place]
        mixed[place] = max(-32768, min(32767, level // 2 if method == "mean" else level))
    return (Audio(rate=first.rate, channels=first.channels, pcm=mixed.tobytes(), digest=call.digest),)


def _adjust(call: Call) -> tuple[Any, ...]:
    """Louder or softer by so many decibels."""
    audio: Audio = call.inputs["audio"]
    factor = 10 ** (call.inputs["volume"] / 20)
    levels = [max(-32768, min(32767, round(level * factor))) for level in array("h", audio.pcm)]
    pcm = array("h", levels).tobytes()
    return (Audio(rate=audio.rate, channels=audio.channels, pcm=pcm, digest=call.digest),)


# Sample by sample, so in a thread.
SOUNDS: Mapping[str, Instant] = {
    "EmptyAudio": _empty,
    "TrimAudioDuration": _trim,
    "AudioConcat": _concat,
    "AudioMerge": _merge,
    "AudioAdjustVolume": _adjust,
}
