"""Files that must survive a power cut: complete or not there at all, and readable by their owner only."""

import os
from pathlib import Path
import stat

import pytest

from custom_components.tesla_charging.storage import durable_file


def test_a_file_is_private_whatever_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    durable_file.write(path, b"first")
    path.chmod(0o644)
    durable_file.write(path, b"second")
    assert path.read_bytes() == b"second"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_what_a_power_cut_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    left = tmp_path / ".secret.new"
    left.write_bytes(b"half of someth")
    left.chmod(0o644)
    durable_file.write(path, b"content")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_what_was_there_and_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.mkdir()  # a file cannot replace a directory
    (path / "inside").touch()
    with pytest.raises(OSError, match=r"taken|directory"):
        durable_file.write(path, b"secret")
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_reported_also_if_no_temporary_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        for left in tmp_path.iterdir():
            left.unlink()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        durable_file.write(tmp_path / "secret", b"content")
    assert list(tmp_path.iterdir()) == []


def test_removing_leaves_other_files_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    durable_file.write(path, b"content")
    for name in (".secret.new", ".secret.0a1b2c", "secret.previous", ".secrets"):
        (tmp_path / name).touch()
    durable_file.remove(path)
    assert {left.name for left in tmp_path.iterdir()} == {"secret.previous", ".secrets"}
    durable_file.remove(path)
    durable_file.remove(tmp_path / "nowhere" / "secret")
