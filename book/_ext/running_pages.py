"""How pages are run: once for each state of the package's source, in warm kernels."""

import hashlib
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from jupyter_client.kernelspec import find_kernel_specs
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "jupyter-cache"  # for both editions
ONE_AT_A_TIME = threading.Lock()  # uses the cache: several notebooks may run at once
TIMEOUT = 1200  # of one cell; seconds on a free machine, minutes on a busy one
# their versions change outputs as much as our own source does
DRAWN_WITH = ("circuitsvis", "plotly", "torch", "transformer_lens")


def cache_key() -> str:
    """A hash of everything a page's cells import from us: jupyter-cache itself compares cells only."""
    checks = (file for file in ROOT.glob("tests/**/*.py") if "project" not in file.parts)
    files = sorted([*ROOT.glob("patchbook/**/*"), *checks])
    digest = hashlib.sha256(" ".join(version(name) for name in DRAWN_WITH).encode())
    for file in files:
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def kernel() -> str:
    """A fork of one warm process, where there can be one: no page waits for imports, seven seconds."""
    warm = sys.platform == "linux" and "patchbook" in find_kernel_specs()
    return "patchbook" if warm else "python3"


def run_ahead(page: Path, cache_folder: Path, wanted: bool) -> bool:
    """Run a page of the book that has cells. Sphinx runs one at a time, and finds it in the cache.

    Returns whether it has run now, or has no cells.
    """
    text = page.read_text(encoding="utf-8")
    if not is_myst_markdown_notebook(text):
        return True
    return executed(read_myst_markdown_notebook(text, path=page), page, cache_folder, wanted) is not None


def executed(
    notebook: NotebookNode, path: Path, cache_folder: Path, wanted: bool = True
) -> NotebookNode | None:
    """The notebook with its outputs, from the cache if it has run before; `path` is its name there.

    None if it has not, and it is not `wanted` that it runs.
    Raises RuntimeError with the traceback of the cell that failed.
    """
    notebook.metadata.kernelspec.name = kernel()
    with ONE_AT_A_TIME, suppress(KeyError):
        cache = get_cache(str(cache_folder))
        cache.match_cache_notebook(notebook)
        return cache.merge_match_into_notebook(notebook)[1]
    if not wanted:
        return None
    result = single_nb_execution(notebook, cwd=str(path.parent), timeout=TIMEOUT, allow_errors=False)
    if result.err is not None:
        raise RuntimeError(f"{path.stem}: a cell failed.\n{result.exc_string}")
    with ONE_AT_A_TIME:
        cache.cache_notebook_bundle(CacheBundleIn(notebook, str(path)), check_validity=False, overwrite=True)
    return notebook
