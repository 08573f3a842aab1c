"""Writes a file that must survive a power cut, readable by its owner only. All functions block: use an executor."""

import contextlib
import glob
import os
from pathlib import Path
from threading import Lock
from typing import Final

_WRITE_LOCK: Final = Lock()
"""Two writes of one file at the same time would use the same temporary file."""


def write(path: Path, content: bytes) -> None:
    """Replace a file. After a crash it has the old content or the new, never a part. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # always the same name, so that a temporary file that a power cut left behind is replaced by the next write
    temporary = path.with_name(f".{path.name}.new")
    with _WRITE_LOCK:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_directory(path.parent)


def remove(path: Path) -> None:
    """Delete a file, and what an interrupted write left of it. Raises OSError."""
    path.unlink(missing_ok=True)
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*"):
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """Force the new name of the file to the disk, too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
