"""Put back what editors lose: nbgrader's metadata, cell ids, copied, deleted and moved cells.

Colab saves nbformat 4.0 without nbgrader's metadata; the marker lines survive, so they say which cell
is which. Everything that is put back comes from the released notebook.
"""

import re
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from patchbook.authoring.problems import MARKER, defines
from patchbook.authoring.source import SETUP_MARKER, name_cells
from patchbook.grading.notebooks.cells import called

CARRIED = "patchbook"  # the notebook's own metadata: {"mended": lines}, left there by `patchbook collect`
MOST_CARRIED = 50  # of its lines
NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


@dataclass(eq=False)
class Piece:
    """A cell of a submission, and the graded cell of the release that it is (None: the learner's own).

    Two copies of a cell are two pieces: pieces compare by identity.
    """

    cell: NotebookNode
    name: str | None
    intact: bool = True


class Release:
    """What the repair needs to know of the released notebook: its graded cells and its setup cells."""

    def __init__(self, notebook: NotebookNode):
        self.metadata = notebook.metadata
        graded = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
        self.cells = {cell.metadata.nbgrader.grade_id: cell for cell in graded}
        self.checks = {n for n, c in self.cells.items() if not c.metadata.nbgrader.solution}
        self.setup = [c for c in notebook.cells if c.source.startswith(SETUP_MARKER)]

    def fresh(self, name: str, source: str | None = None) -> NotebookNode:
        """The released cell `name`, with the learner's text in it when that is given."""
        released = self.cells[name]
        return NEW[released.cell_type](
            source=released.source if source is None else source, metadata=dict(released.metadata)
        )

    def untouched(self, piece: Piece) -> bool:
        return piece.cell.source.split() == self.cells[piece.name].source.split()


def repair(submitted: NotebookNode, released: NotebookNode) -> tuple[NotebookNode, list[str]]:
    """The submission as nbgrader needs it, and one line for each thing that was mended.

    The graded cells come in the release's order, and none of the learner's text is lost but for untouched
    copies. What was mended when the notebook was collected is said again.
    """
    release, mended = Release(released), carried(submitted)
    pieces = [identify(cell, release) for cell in submitted.cells]
    for step in (
        by_function_name,
        restore_metadata,
        drop_copies,
        put_back,
        checks_below,
        in_order,
        add_setup,
    ):
        pieces = step(pieces, release, mended)
    notebook = new_notebook(cells=[piece.cell for piece in pieces], metadata=dict(release.metadata))
    name_cells(notebook)
    return notebook, mended


def carried(submitted: NotebookNode) -> list[str]:
    """The remarks of `patchbook collect`. A learner could write them too: they are words, no more."""
    said = submitted.metadata.get(CARRIED)
    lines = said.get("mended") if isinstance(said, dict) else None
    lines = lines if isinstance(lines, list) else []
    return [line[:200] for line in lines[:MOST_CARRIED] if isinstance(line, str)]


def identify(cell: NotebookNode, release: Release) -> Piece:
    """The piece that a cell is."""
    lost, name = claimed(cell) not in release.cells, graded_name(cell, release)
    clean = NEW.get(cell.cell_type, new_raw_cell)(source=cell.source)  # no tags, no foreign metadata
    return Piece(clean, name, intact=not lost and name == claimed(cell))


def graded_name(cell: NotebookNode, release: Release) -> str | None:
    """By the marker line, which the learner sees; else by the metadata, if it is still there."""
    markers = sorted(MARKER.findall(cell.source), reverse=True)  # EXERCISE before CHECK: merged cells
    names = ["test_" * (kind == "CHECK") + name for kind, name in markers] + [claimed(cell)]
    return next((name for name in names if name in release.cells), None)


def claimed(cell: NotebookNode) -> str | None:
    grader = cell.metadata.get("nbgrader")
    name = grader.get("grade_id") if isinstance(grader, dict) else None
    return name if isinstance(name, str) else None


def by_function_name(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """An exercise whose marker is gone too is the last cell that defines its name."""
    present = {piece.name for piece in pieces}
    for name in release.cells.keys() - release.checks - present:
        for piece in reversed(pieces):
            if piece.name is None and piece.cell.cell_type == "code" and defines(piece.cell.source, name):
                piece.name, piece.intact = name, False
                mended.append(f"{called(name)}: found by its name")
                break
    return pieces


def restore_metadata(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """Give every graded cell the released one's type and metadata, and every check its own text."""
    lost = 0
    for piece in (piece for piece in pieces if piece.name):
        wanted = release.cells[piece.name].cell_type
        lost += not piece.intact
        if piece.cell.cell_type != wanted:
            mended.append(f"{called(piece.name)}: was turned into {piece.cell.cell_type}, read as {wanted}")
        if piece.name in release.checks and not release.untouched(piece):
            mended.append(f"{called(piece.name)}: was edited, the released check is used")
        source = None if piece.name in release.checks else piece.cell.source
        piece.cell = release.fresh(piece.name, source)
    if lost:
        mended.insert(0, f"metadata put back in {lost} cells")
    return pieces


def drop_copies(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """Of several copies keep the answer that the check sees: the last answered one above it.

    Untouched copies and copied checks go; other answers stay as plain cells, which run but do not count.
    """
    dropped = []
    for name in sorted(release.cells, key=lambda name: name not in release.checks):  # checks first
        copies = [piece for piece in pieces if piece.name == name]
        if len(copies) < 2:
            continue
        kept = kept_copy(copies, pieces, release)
        mended.append(f"{called(name)}: stood {len(copies)} times, number {copies.index(kept) + 1} counts")
        for copy in (copy for copy in copies if copy is not kept):
            if release.untouched(copy):
                dropped.append(copy)
            copy.name, copy.cell = None, NEW[copy.cell.cell_type](source=copy.cell.source)
        pieces = [piece for piece in pieces if piece not in dropped]
    return pieces


def kept_copy(copies: list[Piece], pieces: list[Piece], release: Release) -> Piece:
    """The copy that counts; see drop_copies."""
    answered = [copy for copy in copies if not release.untouched(copy)]
    check = place(pieces, f"test_{copies[0].name}")
    above = [copy for copy in answered if check is None or pieces.index(copy) < check]
    return (above or answered or copies)[-1]


def put_back(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """A deleted check goes below its exercise; a deleted exercise, as an empty stub, to where it was."""
    for name in release.cells:
        if place(pieces, name) is None:
            pieces.insert(slot(pieces, name, list(release.cells)), Piece(release.fresh(name), name))
            mended.append(f"{called(name)}: was deleted, put back")
    return pieces


def slot(pieces: list[Piece], name: str, order: list[str]) -> int:
    """Where a deleted cell belongs: below the one before it, else above the first one that is there."""
    at = order.index(name)
    if at:
        return place(pieces, order[at - 1]) + 1
    return next((index for index, piece in enumerate(pieces) if piece.name), len(pieces))


def checks_below(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """A check that stands above its exercise would find nothing to check."""
    for name in sorted(release.checks):
        check, exercise = place(pieces, name), place(pieces, name.removeprefix("test_"))
        if exercise is not None and check < exercise:
            pieces.insert(exercise, pieces.pop(check))
            mended.append(f"{called(name)}: stood above its exercise, moved below it")
    return pieces


def in_order(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """The graded cells in the release's order, each with the learner's own cells that stand above it."""
    blocks, own = {}, []
    for piece in pieces:
        own.append(piece)
        if piece.name:
            blocks[piece.name], own = own, []
    if list(blocks) == list(release.cells):
        return pieces
    mended.append("exercises stood in another order, put back in the released one")
    return [piece for name in release.cells for piece in blocks[name]] + own


def add_setup(pieces: list[Piece], release: Release, mended: list[str]) -> list[Piece]:
    """The cell that makes the course importable, at the top when the learner deleted it."""
    present = any(re.search(rf"^{SETUP_MARKER}\b", piece.cell.source, re.M) for piece in pieces)
    if present or not release.setup:
        return pieces
    mended.append("the setup cell was deleted, put back")
    return [Piece(new_code_cell(source=cell.source), None) for cell in release.setup] + pieces


def place(pieces: list[Piece], name: str) -> int | None:
    """Where the graded cell `name` stands."""
    return next((index for index, piece in enumerate(pieces) if piece.name == name), None)


STEPS = (by_function_name, restore_metadata, drop_copies, put_back, checks_below, in_order, add_setup)
