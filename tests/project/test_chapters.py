"""The chapters as a learner meets them: every part is there, and they run from top to bottom."""

import copy
import re
from collections.abc import Iterator

import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from patchbook.authoring.release import release_notebook
from tests.project.events import NEVER
from tests.project.mutation.solutions import CHAPTERS, COURSE, solution
from tests.project.stub_device import StubDevice

RUNS = [  # on tiny-gpt2 the book runs every cell: see test_book
    *((chapter, "random") for chapter in CHAPTERS),
    ("00_hooks_and_caches", "tiny-attn-only"),  # the other chapters patch MLPs and positions
    ("01_induction_heads", "tiny-attn-only"),
    ("01_induction_heads", "shortformer"),
]
# Checks of predictions: what they find depends on the model in use.
LOOK_AT_THE_MODEL = ("test_my_", "test_tomorrow_layer")
HEADING = re.compile(
    r"^### Exercise: .+\n\n"
    r"\*Difficulty [●○]{5} · Importance [●○]{5} · \d+(–\d+)? minutes · [\d.]+ points?\*$",
    re.MULTILINE,
)

FRESH = """import os, sys, torch
while torch._C._len_torch_function_stack():
    torch._C._pop_torch_function_stack()  # the stub of a run that failed
for name in [name for name in sys.modules if name.split(".")[0] == "patchbook"]:
    del sys.modules[name]  # ours remember the model in use; the heavy libraries may stay
os.environ["PATCHBOOK_MODEL"], os.environ["PATCHBOOK_DEVICE"] = {model!r}, {device!r}
"""
ELSEWHERE = """from patchbook.tests.project import stub_device as _stub_device
_elsewhere = _stub_device.StubDevice().__enter__()
"""
BACK = """assert "model" not in globals() or _stub_device.there(model.W_U)
_elsewhere.__exit__(None, None, None)
"""


def grade_id(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_check(cell: NotebookNode) -> bool:
    return grade_id(cell).startswith("test_")


def exercises(chapter: str) -> Iterator[tuple[NotebookNode, str]]:
    """Each exercise's cell, with the text that stands between its heading and the cell."""
    text = ""
    for cell in solution(chapter).cells:
        starts = re.findall(r"^#{1,6} ", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else []
        if starts and not cell.metadata.get("nbgrader"):
            text = ""
        if cell.metadata.get("nbgrader", {}).get("solution"):
            yield cell, text
        elif cell.cell_type == "markdown":
            text += cell.source + "\n"


EXERCISES = [(cell, text) for chapter in CHAPTERS for cell, text in exercises(chapter)]
FUNCTIONS = [(cell, text) for cell, text in EXERCISES if f"def {grade_id(cell)}(" in cell.source]


def named(pairs):
    return {"argvalues": pairs, "ids": [grade_id(cell) for cell, _ in pairs]}


@pytest.mark.parametrize("cell, text", **named(EXERCISES))
def test_an_exercise_says_how_hard_how_important_how_long_and_how_many_points(cell, text):
    assert len(HEADING.findall(text)) == 1, text[:200]


@pytest.mark.parametrize("cell, text", **named([e for e in EXERCISES if e[0].cell_type == "code"]))
def test_an_exercise_has_two_hints_or_more_in_order(cell, text):
    hints = re.findall(r"<details><summary>Hint (\d)</summary>", text)
    assert len(hints) >= 2 and hints == [str(number + 1) for number in range(len(hints))]
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("cell, text", **named(FUNCTIONS))
def test_a_stub_says_what_goes_in_and_what_comes_out(cell, text):
    name = grade_id(cell)
    parts = re.search(rf'def {name}\((.*?)\) -> .+?:\n    """(.*?)"""', cell.source, re.DOTALL)
    signature, docstring = parts.groups()
    arguments = re.findall(r"(\w+): ", re.sub(r"\[[^\[\]]*\]", "", signature))
    assert ("Args:" if arguments else "Returns:") in docstring
    for argument in arguments:
        assert f"        {argument}: " in docstring, f"{argument} is not explained"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_opening_counts_exercises_and_points(chapter):
    cells = solution(chapter).cells
    promised = re.search(r"^\*(\d+) exercises · (\d+) points · ", cells[1].source, re.MULTILINE).groups()
    points = sum(cell.metadata.get("nbgrader", {}).get("points", 0) for cell in cells)
    assert promised == (str(len(list(exercises(chapter)))), str(points))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_hidden_tests_use_another_seed(chapter):
    for cell in filter(is_check, solution(chapter).cells):
        shown, hidden = cell.source.split("### BEGIN HIDDEN TESTS")
        assert "seed" not in shown and re.search(r"seed=\d+\)", hidden), cell.source


FOLD = re.compile(r"<details><summary>(On [^<]*GPT-2[^<]*)</summary>\n(.*?)\n</details>\n", re.DOTALL)


@pytest.mark.parametrize("folder", ["solutions", "book"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_fold_about_gpt2_ends_with_its_source(chapter, folder):
    text = (COURSE.root / folder / f"{chapter}.md").read_text(encoding="utf-8")
    for summary, inside in FOLD.findall(text):
        assert summary == "On GPT-2 small"
        *published, source = inside.strip("\n").split("\n\n")
        assert published and inside.startswith("\n") and inside.endswith("\n")
        assert re.match(r"Sources?: .+\.$", source), source


def test_interpret_items_have_a_rubric_for_every_point():
    for cell, _ in (e for e in EXERCISES if e[0].cell_type == "markdown"):
        rubric = cell.source.split("BEGIN MARK SCHEME")[1].split("### END")[0]
        assert len(re.findall(r"^\d\. ", rubric, re.MULTILINE)) == cell.metadata.nbgrader.points


# --- running them -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all runs: the libraries load once."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path_factory.mktemp("learner")))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory) -> str:
    """A GPT-2 with random weights: it stands in for gpt2-small, and has no induction heads."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    import patchbook.zoo

    folder = tmp_path_factory.mktemp("random")
    tokenizer = AutoTokenizer.from_pretrained(f"{patchbook.zoo.__path__[0]}/tiny-gpt2")
    tokenizer.save_pretrained(folder)
    shape = {"n_layer": 3, "n_head": 5, "n_embd": 20, "n_positions": 128}
    bos = tokenizer.bos_token_id
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(tokenizer), bos_token_id=bos, eos_token_id=bos, **shape)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def shortformer_model(tmp_path_factory) -> str:
    """The public toy model's layout with random weights: no LayerNorm, no MLP, no positions."""
    import torch
    from transformers import AutoTokenizer

    from patchbook.models import loading, shortformer
    from tests.project.test_shortformer import random_state

    folder = tmp_path_factory.mktemp("shortformer")
    tokenizer = AutoTokenizer.from_pretrained(loading.TOKENIZER)
    tokenizer.save_pretrained(folder)
    torch.save(random_state(len(tokenizer)), folder / shortformer.WEIGHTS)
    return str(folder)


@pytest.fixture(scope="module")
def folders(random_model, shortformer_model) -> dict[str, str]:
    """Models that do not ship, by the name that RUNS gives them."""
    return {"random": random_model, "shortformer": shortformer_model}


def run(kernel, notebook: NotebookNode, model: str, device: str = "cpu") -> NotebookNode:
    """Run a notebook as if the shared kernel had just begun, with `model` as the model in use."""
    notebook = copy.deepcopy(notebook)
    notebook.cells.insert(0, new_code_cell("%reset -f\n" + FRESH.format(model=model, device=device)))
    if device == StubDevice.NAME:
        notebook.cells.insert(1, new_code_cell(ELSEWHERE))
        notebook.cells.append(new_code_cell(BACK))
    client = NotebookClient(notebook, km=kernel, timeout=NEVER, iopub_timeout=NEVER)
    try:
        client.execute()
    finally:
        client.kc.stop_channels()
    return notebook


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cells: list[NotebookNode], kind: str) -> list[NotebookNode]:
    return [output for cell in cells for output in cell.outputs if output.output_type == kind]


def streams(cells: list[NotebookNode], name: str) -> str:
    return "".join(output.text for output in outputs(cells, "stream") if output.name == name)


@pytest.mark.parametrize("chapter, model", RUNS)
def test_a_solution_runs_from_top_to_bottom(chapter, model, kernel, folders):
    """The random model is on another device than the CPU: see stub_device."""
    notebook = copy.copy(solution(chapter))  # checks that do not look at the model need no second run
    needless = [c for c in notebook.cells if is_check(c) and not grade_id(c).startswith(LOOK_AT_THE_MODEL)]
    notebook.cells = [c for c in notebook.cells if c not in needless]
    device = StubDevice.NAME if model == "random" else "cpu"
    ran = code(run(kernel, notebook, folders.get(model, model), device))
    assert streams(ran, "stderr") == ""
    assert "is not written yet" not in streams(ran, "stdout")
    assert not re.search(r"\bnan\b", streams(ran, "stdout"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_untouched_stubs_stop_nothing(chapter, kernel):
    """ "Run all" of a notebook that nobody has written in goes to its end: nbclient raises at an error."""
    ran = code(run(kernel, release_notebook(solution(chapter)), "tiny-gpt2"))
    assert streams(ran, "stderr") == ""
    checks = [cell for cell in ran if is_check(cell)]
    line = re.compile(r"○ (\w+) is not (written|answered) yet\.\n")
    assert [line.fullmatch(streams([c], "stdout"))[1] for c in checks] == [grade_id(c)[5:] for c in checks]
    told = re.findall(r"^\(exercise (\w+) is not written yet", streams(ran, "stdout"), re.MULTILINE)
    lent = re.findall(r"or_reference\((\w+)\)", "".join(cell.source for cell in ran))
    graded = {grade_id(cell).removeprefix("test_") for cell in checks}
    assert graded & set(lent) <= set(told) and bool(told) == bool(lent)
