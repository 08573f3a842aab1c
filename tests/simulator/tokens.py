"""What a token of the simulated Tesla says."""

import base64
import json
from typing import Any


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=="))
    return decoded
