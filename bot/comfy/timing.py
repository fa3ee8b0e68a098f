"""How long the client waits for what."""

from __future__ import annotations

from dataclasses import dataclass

PATIENCE = (1, 2, 4)
"""So many times the first silence; the last one again and again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Waits and intervals of one backend's client, all in seconds."""

    connect: float = 5.0
    """A TCP connection; also the whole answer to "are you there?"."""
    answer: float = 30.0
    """An ordinary answer, the one to POST /prompt too."""
    transfer: float = 60.0
    """Silence within an upload or download. Not its whole length: a video may take as long as it takes."""
    silence: float = 1.0
    """A followed attempt unheard of for so long is asked for by HTTP; see `patience`."""
    deaf: float = 1.0
    """After a POST the socket must bring a word within this, else it is taken for deaf."""
    reconnect_first: float = 0.2
    reconnect_most: float = 5.0
    ping: float = 20.0
    """The client's own websocket pings: ComfyUI sends none, and proxies close what is idle."""
    probe: float = 3.0
    """While nothing else was heard of the server: how often to look whether it answers."""
    guarded: float = 30.0
    """The same while a login or another program answers in its place: that takes its owner to change."""
    stalled: float = 900.0
    """What executes without a word over an open socket for so long is told as stalled. Loading takes minutes."""
    settle: float = 0.5
    """After the server's queue became shorter: how long to listen for the reason before asking. After an attempt
    was found nowhere: how long until it is looked for once more, and then given up."""
    schemas: float = 60.0
    """How often `/object_info` is read again: model files come and go."""
    pace: float = 0.05
    """The least time between two `Progress` or `Preview` of one attempt. `Started` and the end never wait."""

    def patience(self, asked: int) -> float:
        """Seconds of silence until something is asked about, when it was asked about so often in this silence.

        A short job on a deaf socket should not wait long; one that loads a model should not be asked about often.
        """
        return self.silence * PATIENCE[min(asked, len(PATIENCE) - 1)]
