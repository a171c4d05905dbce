"""Make ``studio.jpg`` anew, the README's picture of the Studio, from what the browser stage saw.

``.ci/browser -k "notebook7 and plays" && python assets/studio.py``
"""

from pathlib import Path

from PIL import Image as Picture

HERE = Path(__file__).parent
SEEN = HERE.parent / "artifacts" / "browser" / "notebook7-4-finished-1280.png"

if __name__ == "__main__":
    Picture.open(SEEN).convert("RGB").save(HERE / "studio.jpg", quality=88, optimize=True)
