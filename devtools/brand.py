"""Draw the integration's brand images.

    scripts/brand        writes custom_components/tesla_charging/brand/*.png

The mark is a house with a plug in it, and on the plug a bolt. Everything is drawn in a square of
512 units, four times larger than needed, and scaled down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

TARGET = Path(__file__).resolve().parent.parent / "custom_components" / "tesla_charging" / "brand"
UNITS = 512
OVERSIZE = 4

type Point = tuple[float, float]
type Colour = tuple[int, int, int]

GREEN: Colour = (22, 163, 104)
DEEP_GREEN: Colour = (7, 112, 86)
WHITE: Colour = (255, 255, 255)
INK: Colour = (24, 39, 45)
PALE: Colour = (232, 240, 238)


class Canvas:
    """A transparent picture, measured in units, whose edges come out smooth."""

    def __init__(self, width: float, height: float, scale: float) -> None:
        """Make a canvas of width x height units, with scale pixels a unit in the end."""
        self._factor = scale * OVERSIZE
        self.size = (round(width * scale), round(height * scale))
        self.image = Image.new("RGBA", (self.size[0] * OVERSIZE, self.size[1] * OVERSIZE))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Sequence[Point], fill: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon([self._at(p) for p in points], fill=fill)

    def rounded(self, box: tuple[float, float, float, float], radius: float, fill: Colour) -> None:
        """Fill a rectangle with round corners."""
        x0, y0, x1, y1 = (v * self._factor for v in box)
        self._draw.rounded_rectangle((x0, y0, x1, y1), radius * self._factor, fill=fill)

    def stroke(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """Draw a line with round joints and ends."""
        pixels = [self._at(p) for p in points]
        half = width * self._factor / 2
        self._draw.line(pixels, fill=fill, width=round(2 * half))
        for x, y in pixels:
            self._draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def text(self, at: Point, words: str, height: float, fill: Colour) -> None:
        """Write words; at is the left end of their middle line."""
        font = ImageFont.load_default(height * self._factor)
        self._draw.text(self._at(at), words, font=font, fill=fill, anchor="lm")

    def shade(self, upper: Colour, lower: Colour) -> None:
        """Colour everything that is drawn so far from upper (at the top) to lower."""
        ramp = Image.linear_gradient("L").resize(self.image.size)
        shaded = Image.composite(
            Image.new("RGBA", self.image.size, (*lower, 255)),
            Image.new("RGBA", self.image.size, (*upper, 255)),
            ramp,
        )
        shaded.putalpha(self.image.getchannel("A"))
        self.image.paste(shaded)

    def finished(self) -> Image.Image:
        """Return the picture in its final size."""
        return self.image.resize(self.size, Image.Resampling.LANCZOS)

    def _at(self, point: Point) -> tuple[float, float]:
        return point[0] * self._factor, point[1] * self._factor


@dataclass(frozen=True, slots=True)
class Wordmark:
    """The colours of a logo's words."""

    first: Colour
    second: Colour


def draw_icon(canvas: Canvas) -> None:
    """Draw the mark into the first 512 x 512 units."""
    # a house: roof with round corners, walls
    canvas.polygon([(256, 44), (472, 226), (40, 226)], WHITE)
    canvas.stroke([(256, 44), (472, 226), (40, 226), (256, 44)], 40, WHITE)
    canvas.rounded((72, 200, 440, 488), 56, WHITE)
    canvas.shade(GREEN, DEEP_GREEN)
    # a plug on a cable that comes out of the ground; its body carries a bolt
    canvas.rounded((192, 118, 224, 210), 16, WHITE)
    canvas.rounded((288, 118, 320, 210), 16, WHITE)
    canvas.polygon([(146, 190), (366, 190), (366, 290), (330, 356), (182, 356), (146, 290)], WHITE)
    canvas.stroke(
        [(146, 190), (366, 190), (366, 290), (330, 356), (182, 356), (146, 290), (146, 190)],
        24,
        WHITE,
    )
    canvas.polygon([(239, 350), (273, 350), (273, 488), (239, 488)], WHITE)
    canvas.polygon(
        [(276, 194), (200, 288), (248, 288), (236, 352), (312, 256), (264, 256)], DEEP_GREEN
    )


def draw_logo(scale: float, words: Wordmark) -> Image.Image:
    """Return the mark with the integration's name beside it."""
    canvas = Canvas(1720, UNITS, scale)
    draw_icon(canvas)
    canvas.text((570, 170), "Tesla", 210, words.first)
    canvas.text((570, 372), "Charging", 210, words.second)
    picture = canvas.finished()
    return picture.crop((0, 0, (picture.getbbox() or (0, 0, *picture.size))[2], picture.height))


def main() -> None:
    """Write every image, plain and in double size."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for suffix, scale in (("", 0.5), ("@2x", 1.0)):
        icon = Canvas(UNITS, UNITS, scale)
        draw_icon(icon)
        icon.finished().save(TARGET / f"icon{suffix}.png", optimize=True)
        for name, words in (
            ("logo", Wordmark(INK, DEEP_GREEN)),
            ("dark_logo", Wordmark(PALE, GREEN)),
        ):
            draw_logo(scale / 2, words).save(TARGET / f"{name}{suffix}.png", optimize=True)


if __name__ == "__main__":
    main()
