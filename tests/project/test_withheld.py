"""What a grading kernel must not have is neither on its disk nor in its memory."""

import ast
import json
import subprocess
import sys
from hashlib import sha256

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from patchbook.authoring import find_course, source_notebook
from patchbook.grading.kernels.manager import KernelManager
from patchbook.grading.kernels.sandbox import Limits
from patchbook.grading.kernels.withheld.finder import found_in, stand_ins
from patchbook.grading.kernels.withheld.stand_ins import cut_text, functions
from patchbook.grading.kernels.withheld.what import CUT, EVERY, FILES, WITHHELD
from patchbook.grading.notebooks.plan import plan_of
from patchbook.zoo import ZOO
from tests.project.graders import toy_servers
from tests.project.toy import HOME

TOY = str(HOME / "tests")
STAND_INS = stand_ins(TOY)
DATA = [file for root, names in FILES.items() for n in names for file in found_in(root, n)]
READS = """
import json, pathlib, runpy
def text_of(file):
    return pathlib.Path(file).read_text() if pathlib.Path(file).is_file() else None
def compiled(file):
    folder = pathlib.Path(file).parent / "__pycache__"
    return [str(path) for path in folder.glob("*")] if folder.is_dir() else []
def runs(file):
    try:
        return sorted(runpy.run_path(file))
    except BaseException as error:
        return type(error).__name__
print(json.dumps([[text_of(file), compiled(file), runs(file)] for file in json.loads({files!r})]))
"""
IMPORTS = """
import importlib, json
def what(name):
    module = importlib.import_module(name)
    values = [value for value in vars(module).values() if getattr(value, "__module__", None) == name]
    codes = [value.__code__ for value in values if hasattr(value, "__code__")]
    return [code.co_qualname for code in codes if code.co_names[:1] != ("__import__",)]
print(json.dumps([what(name) for name in json.loads({names!r})]))
"""
LOOKS = """
import ctypes, hashlib, json, os
class Part(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]
room, read = ctypes.create_string_buffer(2**22), ctypes.CDLL(None).process_vm_readv
def memory():
    with open("/proc/self/maps") as maps:
        places = [line.split()[0].split("-") for line in maps]
    for start, end in ((int(start, 16), int(end, 16)) for start, end in places):
        for at in range(start, end, len(room) - 4096):
            here, there = Part(ctypes.addressof(room), len(room)), Part(at, min(len(room), end - at))
            got = read(os.getpid(), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
            yield room.raw[:max(got, 0)]
wanted, sizes, found = set({digests!r}), set({sizes!r}), set()
for part in memory():
    lines = (line.strip() for line in part.split(b"\\n") if len(line) < 200)
    found |= wanted & {{hashlib.sha256(line).hexdigest() for line in lines if len(line) in sizes}}
print(json.dumps(sorted(found)))
"""


def in_kernel(code, sandboxed=True, **options):
    """What a cell prints in a kernel that grades the toy course, as JSON."""
    options |= {"server": toy_servers().warm.path}
    options |= {"sandboxed": True, "limits": Limits().as_dict()} if sandboxed else {}

    class Kernel(KernelManager):
        def __init__(self, **more):
            super().__init__(**options | more)

    notebook = new_notebook(cells=[new_code_cell(code)])
    NotebookClient(notebook, kernel_manager_class=Kernel, timeout=None, shutdown_kernel="immediate").execute()
    return json.loads(notebook.cells[0].outputs[0].text)


def sentences(name):
    """Lines of a withheld module that its stand-in lacks: the longest of its functions' code and words."""
    text, kept = STAND_INS[name].file.read_text(encoding="utf-8"), STAND_INS[name].text
    nodes = [node for _, node in functions(ast.parse(text).body)]
    code = {line for node in nodes for line in text.split("\n")[node.lineno : node.end_lineno]}
    words = {line for node in nodes for line in (ast.get_docstring(node) or "").split("\n")[1:]}
    lines = [{line.strip() for line in some if line.strip() not in kept} for some in (code, words)]
    return [max(some, key=len) for some in lines if some]


SENTENCES = [text for name in STAND_INS if not STAND_INS[name].folders for text in sentences(name)]
SENTENCES += [max(file.read_text().split("\n"), key=len).strip() for file in DATA]


def found_in_memory(texts, **options):
    """Those of the lines that a kernel has in its memory. It is told digests: else it would find itself."""
    lines = {sha256(text.encode()).hexdigest(): text for text in texts}
    sizes = sorted({len(text.encode()) for text in texts})
    return {lines[digest] for digest in in_kernel(LOOKS.format(digests=[*lines], sizes=sizes), **options)}


@pytest.mark.parametrize("top", [*WITHHELD, *CUT])
def test_what_is_withheld_is_there_to_be_withheld(top):
    assert any(name == top or name.startswith(f"{top}.") for name in STAND_INS), f"nothing is called {top}"
    for function in CUT.get(top) or ():
        assert f"{top}.{function}" in STAND_INS[top].text, f"{top} has no {function}"


def test_a_stand_in_keeps_the_lines_of_what_is_left():
    text = "A = 1\n@cache\ndef f(x):\n    return x\nclass C:\n    def g(self):\n        return 2\nB = 2"
    every, some = cut_text("m", text, EVERY).split("\n"), cut_text("m", text, ["C.g"]).split("\n")
    assert len(every) == len(some) == 8 and every[0] == "A = 1" and every[7] == some[7] == "B = 2"
    assert every[1].startswith("def f(*arguments, **options): ") and some[2:4] == [
        "def f(x):",
        "    return x",
    ]
    assert "'m.C.g'" in every[5] and every[6] == ""


def test_files_that_are_withheld_are_not_on_a_kernels_disk():
    files = [*map(str, (stand_in.file for stand_in in STAND_INS.values())), *map(str, DATA)]
    assert len(DATA) >= 4 and str(ZOO / "tiny-gpt2" / "measured.json") in files
    texts = [*(stand_in.text for stand_in in STAND_INS.values()), *[""] * len(DATA)]
    told = in_kernel(READS.format(files=json.dumps(files)))
    for file, text, (seen, compiled, runs) in zip(files, texts, told, strict=True):
        assert seen in (None, text), f"{file} can be read"
        assert not compiled, f"beside {file}"
        assert seen is not None or runs == "FileNotFoundError"


@pytest.mark.parametrize("sandboxed", [True, False])
def test_imports_of_what_is_withheld_give_stand_ins(sandboxed):
    names = [name for name in STAND_INS if name.startswith(("patchbook.tests.", *WITHHELD))]
    for name, there in zip(names, in_kernel(IMPORTS.format(names=json.dumps(names)), sandboxed), strict=True):
        assert not there, name


def test_no_text_that_is_withheld_is_in_a_kernels_memory():
    known = "serve(path, handle)     the server's loop: each connection is handled by a new child process"
    assert len(SENTENCES) > 100
    there = found_in_memory([*SENTENCES, known])
    assert known in there, "the search itself works"
    assert there == {known}


def test_where_predictions_count_there_are_references_but_theirs():
    code = """
import json, patchbook
from patchbook.patching.attribution import decompose_logit_diff
from patchbook.tests.specifications import toy
def said(call):
    try:
        return call()
    except RuntimeError as error:
        return str(error).split(":")[0]
right = patchbook.reference_for("double")(21)
print(json.dumps([right, said(toy.my_guess), decompose_logit_diff.__module__]))
"""
    double, guess, module = in_kernel(code, figures=True, references=["double", "shout"])
    assert double == 42 and guess == "patchbook.tests.specifications.toy.my_guess is not in a grading kernel"
    assert module == "patchbook.patching.attribution"


REFERENCES = """
import json, sys
from pathlib import Path
from patchbook.grading.kernels.withheld import finder
from patchbook.grading.notebooks.tests_folder import add_folder
tests, folder, exercises, elsewhere = json.loads(sys.argv[1])
finder.withhold(tests, Path(folder))
add_folder(tests)
finder.bring_figures()
finder.bring_references(exercises)
import patchbook
names = {name: patchbook.reference_for(name).__code__.co_varnames for name in exercises + elsewhere}
print(json.dumps([name for name in names if names[name][:2] == ("arguments", "options")]))
"""


def test_a_chapter_has_its_references_and_those_of_others_but_no_prediction_of_its_own(tmp_path):
    course, chapter = find_course(), "04_days"
    plan = plan_of(source_notebook(course, chapter), chapter)
    written = [asked.exercise for asked in plan.checks.values() if not asked.predicts]
    elsewhere = ["get_act_patch_resid_pre", "tomorrow_layer"]
    asked = json.dumps([str(course.root / "tests"), str(tmp_path), written, elsewhere])
    done = subprocess.run([sys.executable, "-c", REFERENCES, asked], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-600:]
    assert json.loads(done.stdout) == ["tomorrow_layer"]
