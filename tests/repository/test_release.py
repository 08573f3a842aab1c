"""What HACS installs: the file that a release carries is the integration, and hacs.json finds it."""

import json
from pathlib import Path
import shutil
import subprocess
import zipfile

from awesomeversion import AwesomeVersion
from homeassistant.util.yaml import load_yaml_dict
import pytest

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "tesla_charging"
HACS = json.loads((ROOT / "hacs.json").read_text())
RELEASE = load_yaml_dict(str(ROOT / ".github" / "workflows" / "release.yml"))


def test_hacs_finds_what_it_needs() -> None:
    known = {"name", "homeassistant", "filename", "zip_release", "hide_default_branch"}
    assert set(HACS) <= known
    assert HACS["name"] == json.loads((INTEGRATION / "manifest.json").read_text())["name"]
    assert HACS["zip_release"] is True
    # below, an icon of the integration's own is not shown, and Python is older than the syntax
    assert AwesomeVersion(HACS["homeassistant"]) >= "2026.3.0"
    for image in ("icon.png", "logo.png"):
        assert (INTEGRATION / "brand" / image).read_bytes().startswith(b"\x89PNG")


def test_a_release_carries_the_file_that_hacs_looks_for() -> None:
    (job,) = RELEASE["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert any(run.startswith("scripts/package ") and HACS["filename"] in run for run in commands)
    assert any(run.startswith("gh release upload ") and HACS["filename"] in run for run in commands)
    for step in job["steps"]:
        assert "uses" not in step or len(step["uses"].partition("@")[2]) == 40, "pinned by commit"


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="no repository"
)
def test_the_file_is_the_integration_and_nothing_else(tmp_path: Path) -> None:
    made = tmp_path / HACS["filename"]
    subprocess.run([ROOT / "scripts" / "package", made], check=True, timeout=60)
    with zipfile.ZipFile(made) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    assert {"manifest.json", "translations/en.json", "brand/icon.png", "__init__.py"} <= set(names)
    assert all((INTEGRATION / name).is_file() for name in names)
    assert not [name for name in names if "__pycache__" in name]
    again = tmp_path / "again.zip"
    subprocess.run([ROOT / "scripts" / "package", again], check=True, timeout=60)
    assert again.read_bytes() == made.read_bytes()
