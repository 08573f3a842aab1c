"""Writes a file that must survive a power cut, readable by its owner only. All functions block: use an executor."""

import contextlib
from datetime import datetime
import glob
import os
from pathlib import Path
from threading import Lock
from typing import Final

_WRITE_LOCK: Final = Lock()
"""Two writes of one file at the same time would use the same temporary file."""
ASIDE: Final = ".unusable."
"""Between the name of a file that was set aside and the time."""
CORRUPT: Final = ".corrupt."
"""The same for what Home Assistant's Store sets aside itself."""


def write(path: Path, content: bytes) -> None:
    """Replace a file. After a crash it has the old content or the new, never a part. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    with _WRITE_LOCK:
        # also of earlier versions, which used other names: a power cut left it behind, perhaps with a secret
        _remove_temporaries(path)
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


def remove(*paths: Path) -> None:
    """Delete files, what an interrupted write left of them, and what was set aside of them. Raises OSError.

    Everything that can be deleted is deleted before the error is raised.
    """
    failure: OSError | None = None
    for path in paths:
        for found in (path, *leftovers(path)):
            try:
                _unlink(found, or_folder=found != path)
            except OSError as err:
                failure = failure or err
    if failure is not None:
        raise failure


def leftovers(path: Path) -> list[Path]:
    """Return what an interrupted write left of a file, and what was set aside of it."""
    name = glob.escape(path.name)
    patterns = (f".{name}.*", f"{name}{ASIDE}*", f"{name}{CORRUPT}*")
    return [found for pattern in patterns for found in path.parent.glob(pattern)]


def name_aside(path: Path, now: datetime) -> Path:
    """Return a name that is not taken, for a file that cannot be used."""
    first = path.with_name(f"{path.name}{ASIDE}{now:%Y%m%dT%H%M%S}")
    names = (first, *(first.with_name(f"{first.name}-{number}") for number in range(1, 1000)))
    return next((name for name in names if not os.path.lexists(name)), first)


def _remove_temporaries(path: Path) -> None:
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*"):
        _unlink(temporary)


def _unlink(path: Path, *, or_folder: bool = True) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        if not or_folder or path.is_symlink() or not path.is_dir():
            raise
        path.rmdir()


def _sync_directory(directory: Path) -> None:
    """Force the new name of the file to the disk, too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
