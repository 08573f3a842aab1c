"""The English texts of the integration."""

import json
from pathlib import Path

TRANSLATIONS = Path(__file__).parents[2] / "custom_components" / "tesla_charging" / "translations"
ENGLISH = json.loads((TRANSLATIONS / "en.json").read_text())
