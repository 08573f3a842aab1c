"""A QR code as an image in Markdown.

Home Assistant's own field draws it in the colors of the theme, so light on dark in dark mode, which many cameras cannot
read.
"""

from base64 import b64encode
from functools import lru_cache
from io import BytesIO
from typing import Final

import pyqrcode  # type: ignore[import-untyped]

SCALE: Final = 4
"""Pixels of the smallest square."""


@lru_cache(maxsize=16)
def qr_image(text: str) -> str:
    """Return the image: dark on light, with the light margin that cameras need."""
    svg = BytesIO()
    pyqrcode.create(text, error="M").svg(
        svg, scale=SCALE, background="#fff", module_color="#000", quiet_zone=4, xmldecl=False
    )
    return f"![QR](data:image/svg+xml;base64,{b64encode(svg.getvalue()).decode()})"
