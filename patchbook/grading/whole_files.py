"""Files that are there whole or not at all: whoever is killed while writing leaves the earlier one."""

import os
from pathlib import Path


def write_whole(path: Path, text: str, errors: str = "strict") -> None:
    """Put a text in a file's place. Lines end as they do in the text. errors: of `str.encode`."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8", errors=errors, newline="")
    os.replace(part, path)
