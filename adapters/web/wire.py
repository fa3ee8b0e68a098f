"""The core's values as JSON."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any, assert_never

from aiohttp.http_exceptions import HttpProcessingError

from bot.contract.card import Card, Code, Countdown, Link, Media, Preview, Span, Text
from bot.contract.overview import FailedJob, Overview, PersonReport, StandingJob
from bot.contract.values import (
    Accepted,
    Actor,
    Answer,
    Ask,
    Command,
    Files,
    JobStatus,
    ParameterSpec,
    QueueStatus,
    Said,
    Started,
    Turned,
)

BROKEN_FORM = (ValueError, LookupError, RuntimeError, HttpProcessingError)
"""What aiohttp raises while it reads a form that is none: no boundary, no such charset or encoding, cut off."""


def output_url(media: Media) -> str:
    """Where an output is served. What is no job's is small, and goes along as an address that carries its bytes."""
    if not media.job:
        data = base64.b64encode(media.path.read_bytes()).decode()
        return f"data:{media.media_type};base64,{data}"
    return f"/api/v1/jobs/{media.job}/outputs/{media.index}"


def status_json(status: JobStatus) -> dict[str, Any]:
    """`GET /api/v1/jobs/{id}`."""
    answer: dict[str, Any] = {
        "state": status.state,
        "fraction": round(status.fraction, 4),
        "outputs": [{"url": output_url(media), "media_type": media.media_type} for media in status.outputs],
    }
    if status.position is not None:
        answer["position"] = status.position
    if status.node is not None:
        answer["node"] = status.node
    if status.remarks:
        answer["remarks"] = list(status.remarks)
    if status.read:
        answer["read"] = dict(status.read)
    if status.error is not None:
        answer["error"] = {"code": status.error.code, "message": status.error.message}
    return answer


def card_json(message: str, card: Card) -> dict[str, Any]:
    """A card as the page draws it."""
    return {
        "id": message,
        "state": card.state,
        "title": card.title,
        "body": [[_span(span) for span in line] for line in card.body],
        "fraction": card.fraction,
        "preview": None if card.preview is None else preview_url(card.preview),
        "media": [
            {
                "url": output_url(media),
                "media_type": media.media_type,
                "name": media.name,
                "size": media.size,
                "job": media.job,
                "index": media.index,
            }
            for media in card.media
        ],
        "actions": [{"id": a.id, "label": a.label, "style": a.style} for a in card.actions],
        "alt": card.alt,
        "spoiler": card.spoiler,
    }


def preview_url(preview: Preview) -> str:
    """A preview as an address that carries its bytes."""
    return f"data:{preview.media_type};base64,{base64.b64encode(preview.data).decode()}"


def answer_json(answer: Answer, message: str) -> dict[str, Any]:
    """What the page is told after a command or a press."""
    match answer:
        case Started(job=job, existing=existing):
            return {"kind": "started", "job": job, "message": message, "existing": existing}
        case Said(card=card):
            return {"kind": "said", "card": card_json(message, card)}
        case Turned(card=card):
            return {"kind": "turned", "card": card_json(message, card)}
        case Ask(command=command, reply_to=reply_to, values=values, about=about):
            if reply_to is not None:
                return {"kind": "ask", "command": command, "job": reply_to.job, "index": reply_to.index}
            return {"kind": "ask", "command": command, "values": dict(values), "about": about}
        case Accepted():
            return {"kind": "accepted"}
        case Files(media=media):
            return {"kind": "files", "outputs": [output_url(each) for each in media]}
        case _ as never:
            assert_never(never)


def workflow_json(command: Command) -> dict[str, Any]:
    """An entry of `GET /api/v1/workflows`."""
    return {
        "name": command.name,
        "title": command.title,
        "description": command.description,
        "parameters": [parameter_json(parameter) for parameter in command.parameters],
    }


def parameter_json(spec: ParameterSpec) -> dict[str, Any]:
    """A parameter with whatever bounds it has. Seeds go beyond what JavaScript counts exactly: as text."""
    fields = {
        "name": spec.name,
        "type": spec.type,
        "title": spec.title,
        "description": spec.description or None,
        "required": spec.required,
        "default": spec.default,
        "minimum": spec.minimum,
        "maximum": spec.maximum,
        "step": spec.step,
        "max_length": spec.max_length,
        "choices": list(spec.choices) or None,
    }
    if isinstance(spec.maximum, int) and spec.maximum > 2**53:
        fields["maximum"] = str(spec.maximum)
    return {name: value for name, value in fields.items() if value is not None}


def queue_json(status: QueueStatus) -> dict[str, Any]:
    """`GET /api/v1/queue`."""
    return {
        "waiting": status.waiting,
        "running": status.running,
        "paused": status.paused,
        "backends": [
            {
                "name": b.name,
                "up": b.up,
                "version": b.version,
                "running": b.running,
                **({} if b.hold is None else {"hold": b.hold}),
            }
            for b in status.backends
        ],
    }


def overview_json(overview: Overview) -> dict[str, Any]:
    """`GET /api/v1/admin/overview`."""
    return {
        "at": overview.at,
        "waiting": [_of_somebody(job) for job in overview.waiting],
        "more_waiting": overview.more_waiting,
        "running": [_of_somebody(job) for job in overview.running],
        "backends": [asdict(backend) for backend in overview.backends],
        "people": [_of_somebody(person) for person in overview.people],
        "failures": [_of_somebody(job) for job in overview.failures],
        "paused": overview.paused,
        "changes": [asdict(change) | {"by": _somebody(change.by)} for change in overview.changes],
    }


def _of_somebody(line: StandingJob | PersonReport | FailedJob) -> dict[str, Any]:
    return {**asdict(line), "actor": _somebody(line.actor)}


def _somebody(actor: Actor) -> dict[str, str]:
    return {"name": actor.name, "id": f"{actor.platform}:{actor.external_id}"}


def _span(span: Span) -> dict[str, Any]:
    if isinstance(span, Code):
        return {"code": span.text}
    shown: dict[str, Any] = {"text": span.text, "strong": span.strong}
    if isinstance(span, Text) and span.made:
        shown["made"] = True
    if isinstance(span, Link):
        shown["url"] = span.url
    if isinstance(span, Countdown):
        shown["at"] = span.at
    return shown
