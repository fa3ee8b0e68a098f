"""Rooms that are full before the bot starts, put there through the store."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from uuid import uuid4

import av
from PIL import Image

from adapters.web.settings import WebSettings
from adapters.web.visitors import Gate
from bot.contract.values import Actor, Place
from bot.jobs.models import Output
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.store.store import Store, open_store
from tests.builders import new_request, sqlite_url


@dataclass(frozen=True, kw_only=True, slots=True)
class Guest:
    """A browser's session where no token is asked for: its cookie, and the id that is made of it."""

    cookie: str
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A result."""

    name: str
    media_type: str
    data: bytes


def new_guest() -> Guest:
    """Somebody whom the bot will know by their cookie."""
    cookie = Gate(WebSettings.model_construct(web_token=None)).new_session()
    session = cookie.partition(".")[0]
    return Guest(cookie=cookie, id=hashlib.sha256(session.encode()).hexdigest()[:32])


async def fill_room(folder: Path, guest: Guest, made: Sequence[tuple[str, Sequence[File]]]) -> None:
    """Give somebody finished jobs, as (prompt, results), in the data of the bot that will run in `folder`."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    spool = Spool(data / "spool")
    async with open_store(sqlite_url(data)) as store:
        held = await store.leases.take(f"backend:of {guest.id}", "seeding", None)
        assert held is not None
        for prompt, files in made:
            outputs = [
                Output(
                    index=index,
                    blob=await spool.keep(file.data),
                    media_type=file.media_type,
                    name=file.name,
                    node="9",
                )
                for index, file in enumerate(files)
            ]
            await _add(store, guest, prompt)
            attempt = await store.queue.claim(held, str(uuid4()), now=1500.0)
            assert attempt is not None
            await store.queue.finish(attempt, State.DONE, now=1001.0, outputs=outputs)
        await store.leases.give_back(held)


async def _add(store: Store, guest: Guest, prompt: str) -> None:
    key = secrets.token_hex(8)
    request = new_request(
        key,
        actor=Actor(platform="web", external_id=guest.id, name=f"Guest {guest.id[:4]}"),
        place=Place(platform="web", external_id=guest.id),
        adapter="web",
        address={"room": guest.id, "card": key},
        job=key,
        values={"prompt": prompt},
    )
    await store.requests.add(request)


def picture(colour: str = "teal") -> File:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(buffer, "PNG")
    return File(name="picture-1.png", media_type="image/png", data=buffer.getvalue())


def clip() -> File:
    """Half a second of a film with sound."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        film = container.add_stream("libvpx", rate=10)
        film.width, film.height, film.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("libopus", rate=48000)
        sound.layout = "mono"
        for colour in ("red", "green", "blue", "white", "black"):
            container.mux(film.encode(_frame(colour)))
        container.mux(film.encode())
        container.mux(sound.encode(_silence(24000)))
        container.mux(sound.encode())
    return File(name="clip-1.webm", media_type="video/webm", data=buffer.getvalue())


def tune() -> File:
    """Half a second of silence."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        sound = container.add_stream("pcm_s16le", rate=48000)
        sound.layout = "mono"
        container.mux(sound.encode(_silence(24000)))
        container.mux(sound.encode())
    return File(name="tune-1.wav", media_type="audio/wav", data=buffer.getvalue())


def _frame(colour: str) -> av.VideoFrame:
    frame = av.VideoFrame(96, 64, "rgb24")
    frame.planes[0].update(Image.new("RGB", (96, 64), colour).tobytes())
    return frame


def _silence(samples: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="s16", layout="mono", samples=samples)
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    frame.sample_rate, frame.time_base, frame.pts = 48000, Fraction(1, 48000), 0
    return frame
