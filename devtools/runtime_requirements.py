"""Print what a booting Home Assistant would install for its default integrations and for this one.

    python devtools/runtime_requirements.py [INTEGRATION ...]

One requirement a line, pin by pin, read from the manifests of the Home Assistant that runs this,
so that it follows every release. The named integrations are added to the default ones.
"""

from collections.abc import Iterable, Iterator
import json
from pathlib import Path
import sys

import homeassistant
from homeassistant import bootstrap
from homeassistant.auth.mfa_modules import totp

COMPONENTS = Path(homeassistant.__file__).parent / "components"
CUSTOM_COMPONENTS = Path(__file__).resolve().parents[1] / "custom_components"
OURS = "tesla_charging"


def manifests(domains: Iterable[str]) -> Iterator[dict[str, list[str]]]:
    """Yield the manifest of every domain and of everything it depends on, each once."""
    waiting, seen = list(domains), set[str]()
    while waiting:
        domain = waiting.pop()
        home = CUSTOM_COMPONENTS if domain == OURS else COMPONENTS
        path = home / domain / "manifest.json"
        if domain in seen or not path.is_file():
            continue
        seen.add(domain)
        manifest = json.loads(path.read_text(encoding="utf-8"))
        waiting += manifest.get("dependencies", [])
        yield manifest


def runtime_requirements(integrations: Iterable[str]) -> list[str]:
    """Return the requirements of the default integrations, of ours and of the given ones, sorted."""
    domains = {
        *bootstrap.CORE_INTEGRATIONS,
        *bootstrap.DEFAULT_INTEGRATIONS,
        "hassio",  # imported by others without being a dependency of theirs
        OURS,
        *integrations,
    }
    found = set(totp.REQUIREMENTS)  # an authentication module, it has no manifest
    for manifest in manifests(domains):
        found.update(manifest.get("requirements", []))
    return sorted(found, key=str.lower)


if __name__ == "__main__":
    print("\n".join(runtime_requirements(sys.argv[1:])))
