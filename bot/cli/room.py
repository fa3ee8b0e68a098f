"""Whether DATA_DIR can take what Muralist writes."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from tempfile import TemporaryFile

from bot.errors import ConfigError

LEAST = 256 * 2**20
"""Bytes: a film or two, or some hundred pictures."""

PROBE = 2**16
FULL = (errno.ENOSPC, errno.EDQUOT)


def check_room(folder: Path) -> None:
    """Write something there and look how much room is left. Raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
        free = shutil.disk_usage(folder).free
    except OSError as error:
        if error.errno in FULL:
            raise ConfigError(
                f"The disk of DATA_DIR ({folder}) is full. Free some space there, or set DATA_DIR to another disk."
            ) from error
        raise ConfigError(
            f"DATA_DIR ({folder}) can't be written: {error.strerror}. Give this account the right to, or set it to "
            "another folder."
        ) from error
    if free < LEAST:
        raise ConfigError(
            f"The disk of DATA_DIR ({folder}) has {free // 2**20} MB left, which a few results fill. Free some space "
            "there, or set DATA_DIR to another disk."
        )
