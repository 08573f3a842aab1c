"""Processes that a script starts and has to end, and the ports they listen on."""

import os
from pathlib import Path
import signal
import socket
import subprocess
import sys

ROOT = Path(__file__).resolve().parents[2]


def free_port(wanted: int) -> int:
    """Return the wanted port of 127.0.0.1 if nobody has it, else one that is free right now."""
    for port in (wanted, 0):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = listener.getsockname()[1]
            return found
    raise OSError("127.0.0.1 has no free port")


def start_python(
    *arguments: str, output: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start this interpreter on the arguments, in the repository, with all output in one file.

    The process gets a session of its own, so that Ctrl-C in the terminal reaches only the script,
    which then ends its processes in the right order.
    """
    with output.open("ab") as sink:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=child_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def child_environment(added: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment for a Python process: like ours, but it may keep compiled modules."""
    kept = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    }
    # Home Assistant looks here for the environment that it runs in
    return {**kept, "VIRTUAL_ENV": sys.prefix, **(added or {})}


def stop_process(process: subprocess.Popen[bytes], timeout: float = 30) -> None:
    """End a process: politely, and after the timeout (seconds) for certain."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
