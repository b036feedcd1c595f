"""The README's picture: a figure of the book as a reader sees it. Needs a built book and chromium.

.venv/bin/python book/picture.py      # after `make book`
"""

import argparse
import base64
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests.project

PAGE, FIGURE = "book/01_induction_heads.html", "Induction scores, tiny-attn-only"
PICTURE = ROOT / "book" / "_static" / "readme.png"
WIDTH = 1280
TITLE = f"[...document.querySelectorAll('figure strong')].find(e => e.textContent.startsWith('{FIGURE}'))"
DRAWN = f"!!{TITLE}?.closest('figure').querySelector('.main-svg')"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--book", type=Path, default=ROOT / "build" / "book" / "_build" / "html")
    page = parser.parse_args().book.resolve() / PAGE
    if not page.is_file():
        sys.exit(f"{page} is not there: run `make book` first")
    PICTURE.write_bytes(taken(page))
    print(PICTURE.relative_to(ROOT))


def taken(page: Path) -> bytes:
    """A window of the page as PNG, with the figure in its middle."""
    from tests.project.browser import Browser
    from tests.project.events import until

    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        Browser(Path(profile)) as browser,
    ):
        browser.ask("Emulation.setScrollbarsHidden", hidden=True)
        browser.open(page.as_uri(), width=WIDTH)
        browser.value(f"{TITLE}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        until(lambda: browser.value(DRAWN))  # it may be drawn only now that it is in view
        shot = browser.ask("Page.captureScreenshot")
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main()
