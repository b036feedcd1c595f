"""The warm process: libraries imported, models loaded, checks at hand. Every kernel is a fork of it.

    python -m patchbook.grading.kernels.warm_process SOCKET

reads a line of JSON: {}, or a class's tests and checks

Given the checks of a class, it makes their cases once, so that each kernel finds its own copy of them.

It never reads solutions, submissions or the gradebook, and starts with an environment that holds no secrets:
a fork shares its memory.
"""

import json
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import zmq

from patchbook.grading.kernels.fork_server import request, serve
from patchbook.grading.kernels.overseer import oversee
from patchbook.grading.kernels.withheld.finder import (
    bring_figures,
    bring_references,
    show_specifications,
    withhold,
)
from patchbook.grading.kernels.withheld.not_here import NotHere
from patchbook.grading.notebooks.tests_folder import add_folder, check_named, folder_of

MODELS = ("tiny-gpt2", "tiny-attn-only")
LIBRARIES = (
    "torch",
    "transformer_lens",
    "transformer_lens.patching",
    "einops",
    "jaxtyping",
    "typeguard",
    "circuitsvis",
    "plotly.express",
    "plotly.graph_objects",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "patchbook.models",
    "patchbook.plots",
    "patchbook.checking.fallback",
)


_covers: list[str] = []  # what lies over files in a sandbox, once a class is prepared for


def main() -> None:
    prepare(request(sys.argv[1]))
    serve(sys.argv[1], handle, orphans=True)


def prepare(line: str) -> None:
    """A function of its own: what a running frame holds, seeds of hidden tests, every fork can read."""
    request, folder = json.loads(line or "{}"), Path(sys.argv[1]).parent
    tests = folder_of(request["tests"], folder) if request else ""
    if request:
        _covers.extend(withhold(tests, folder / "covers"))
    warm_up()
    if request:
        prepare_grading(tests, request["checks"])


def warm_up() -> None:
    """Do once what every kernel would do: imports, models and a first run of each, a first figure."""
    from importlib import import_module

    for name in LIBRARIES:
        import_module(name)
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    from patchbook import plots
    from patchbook.models import loading

    loading.read_folder = Remembered(loading.read_folder)
    for name in MODELS:
        model = loading.load_model(name)
        with torch.no_grad():
            model(torch.zeros(1, 4, dtype=torch.long))
    plots.head_heatmap(torch.zeros(1, 1), "")._repr_mimebundle_()  # plotly's first one takes 3 s of imports


def prepare_grading(tests: str, checks: list) -> None:
    """Import the checks, without what they compare with, and make each of their cases once."""
    if tests:
        add_folder(tests)
    try:
        make_cases(checks)
    except NotHere as error:
        print(f"{error}\nBut a case needs it: submissions can reach the specifications", file=sys.stderr)
        show_specifications()
        make_cases(checks)


def make_cases(checks: list) -> None:
    from patchbook.checking import make_arguments

    for module, exercise, seeds in checks:
        check = check_named(module, exercise)
        for case in (case for seed in seeds for case in check.cases(seed)):
            make_arguments(case)


class Remembered:
    """`read_folder`, which reads each folder once and hands out copies of the model."""

    def __init__(self, read: Callable):
        self.read, self.models = read, {}

    def __call__(self, *what: Any) -> Any:
        from patchbook.models.copies import Copies

        key = repr(what)
        if key not in self.models:
            self.models[key] = Copies(self.read(*what))
        return self.models[key]()


def handle(connection: Connection) -> None:
    request = json.loads(connection.recv_bytes())
    if request["figures"]:
        bring_figures()
    if request["references"]:
        bring_references(request["references"])
    oversee(connection, request, run_kernel, _covers)


def run_kernel(request: dict[str, Any]) -> None:
    """Become the IPython kernel that `request` describes; returns when it shuts down."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    file = request["file"]
    if request["connection"]:
        with open(file, "w", encoding="utf-8") as info:
            json.dump(request["connection"], info)
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["patchbook-kernel", "-f", file]
    app = IPKernelApp.instance()
    app.initialize(["-f", file, *request["arguments"]])
    lose_nothing(app.iopub_thread)
    app.start()


def lose_nothing(outputs: Any) -> None:
    """What nobody has read yet waits in this process, however much it is; ZeroMQ would drop it."""
    outputs.schedule(lambda: outputs.socket.set(zmq.SNDHWM, 0))


if __name__ == "__main__":
    main()
