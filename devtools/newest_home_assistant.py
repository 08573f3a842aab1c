"""Lets Home Assistant's test plugin load beside a Home Assistant that is newer than the one it was made for.

`scripts/test --newest` hands it to pytest (`-p devtools.newest_home_assistant`), which loads it before the plugin. When the
plugin has followed, `MOVED` is empty; the line for httpx goes when the plugin imports Home Assistant first.
"""

import importlib

# Home Assistant gives the name httpx to httpx2 when it is imported, which has to be before anybody imports httpx. The
# plugin imports respx first, and respx imports httpx.
import homeassistant  # noqa: F401

#: What the plugin changes in Home Assistant before it imports more of it; so they come before what follows here, too.
PATCHES = ("patch_json", "patch_recorder", "patch_time")
#: The module where the plugin looks for a name, the name, and the module that has it now.
MOVED = (
    (
        "homeassistant.components.logger",
        "_clear_logger_overwrites",
        "homeassistant.components.logger.helpers",
    ),
)

for patch in PATCHES:
    importlib.import_module(f"pytest_homeassistant_custom_component.{patch}")
for place, name, origin in MOVED:
    module = importlib.import_module(place)
    if not hasattr(module, name):
        setattr(module, name, getattr(importlib.import_module(origin), name))
