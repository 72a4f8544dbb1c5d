"""A picture beside the one that is kept in `pictures/`: what rasterizers differ in passes, another city does not."""

import os
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Browser

KEPT = Path(__file__).parent / "pictures"
SQUARE_PX = 16
ALIKE = 12.0
"""Of 255, between the mean colours of two squares."""

_LARGEST_DIFFERENCE = """
async ([pictures, square]) => {
  const squares = await Promise.all(pictures.map(async (picture) => {
    const bitmap = await createImageBitmap(await (await fetch(picture)).blob());
    const width = Math.ceil(bitmap.width / square), height = Math.ceil(bitmap.height / square);
    const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    pen.drawImage(bitmap, 0, 0);
    const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
    const sums = new Float64Array(width * height * 3), counts = new Float64Array(width * height);
    for (let y = 0; y < bitmap.height; y++) for (let x = 0; x < bitmap.width; x++) {
      const at = Math.floor(y / square) * width + Math.floor(x / square);
      counts[at]++;
      for (let c = 0; c < 3; c++) sums[at * 3 + c] += data[(y * bitmap.width + x) * 4 + c];
    }
    return { size: `${bitmap.width}x${bitmap.height}`, means: sums.map((sum, i) => sum / counts[Math.floor(i / 3)]) };
  }));
  const [one, other] = squares;
  if (one.size !== other.size) return 255;
  return Math.max(...one.means.map((mean, i) => Math.abs(mean - other.means[i])));
}
"""


def difference(browser: Browser, one: bytes, other: bytes) -> float:
    """Of two PNGs the largest difference between the mean colours of a square, 0 to 255; 255 for other sizes."""
    page = browser.new_page()
    try:
        pictures = [f"data:image/png;base64,{b64encode(picture).decode()}" for picture in (one, other)]
        return float(page.evaluate(_LARGEST_DIFFERENCE, [pictures, SQUARE_PX]))
    finally:
        page.close()


def check(browser: Browser, name: str, picture: bytes, found: Path) -> None:
    """Fails where the picture is not the kept one, and leaves it in `found`. With VANTAGE_KEEP_PICTURES=1 it is kept
    instead: look at it before you commit it."""
    kept = KEPT / f"{name}.png"
    if os.environ.get("VANTAGE_KEEP_PICTURES") == "1":
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(picture)
    differs = difference(browser, picture, kept.read_bytes())
    if differs > ALIKE:
        (found / kept.name).write_bytes(picture)
    assert differs <= ALIKE, f"{found / kept.name} is not {kept}: a square differs by {differs:.0f}"
