"""The one place that decides which kernel runs a submission, and what that kernel sees.

`execute` asks for `KernelManager` and nothing else. Its kernel is a fork of a warm process (`provisioner`),
by default inside a sandbox (`sandbox`).
"""

import os
import sys
import tempfile
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Bool, Dict, List, Type, Unicode

from patchbook.grading.kernels.sandbox import HOME
from patchbook.grading.kernels.wire import Client

MODEL = "tiny-gpt2"  # ships with the package: grading touches no network
LANGUAGE = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")  # all that a submission learns of the grader's environment


def kernel_environment(home: str = HOME) -> dict[str, str]:
    """The environment of a grading kernel whose settings, history and caches live under `home`.

    It is written from nothing: no name or secret of the person who grades is in it.
    """
    kept = {name: os.environ[name] for name in LANGUAGE if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join([os.path.join(sys.prefix, "bin"), os.defpath]),
        "HOME": home,
        "PATCHBOOK_MODEL": MODEL,
        "PATCHBOOK_DEVICE": "cpu",  # a fork cannot use its parent's GPU
        "NBGRADER_EXECUTION": "autograde",  # as nbgrader says it: nobody's progress is kept
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",  # its threads do not survive a fork
        "IPYTHONDIR": os.path.join(home, "ipython"),
        "JUPYTER_CONFIG_DIR": os.path.join(home, "jupyter"),
        "JUPYTER_NO_CONFIG": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "TQDM_DISABLE": "1",  # nobody watches a progress bar here
        "OMP_NUM_THREADS": "1",  # small models gain nothing from threads, and marks should not wobble
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


class KernelManager(AsyncKernelManager):
    """Forks a kernel, whatever kernels the person who grades has installed under "python3".

    server, sandboxed, limits, figures, references: what `WarmProvisioner` takes.
    """

    server = Unicode("")
    sandboxed = Bool(False)
    limits = Dict()
    figures = Bool(False)
    references = List()

    client_factory = Type(Client)
    home: tempfile.TemporaryDirectory | None = None

    def __init__(self, **options: Any):
        super().__init__(transport="ipc", **options)  # Unix sockets: nobody on the network can listen

    @property
    def kernel_spec(self) -> KernelSpec:
        names = ("server", "sandboxed", "limits", "figures", "references")
        asked = {name: getattr(self, name) for name in names}
        chosen = {"provisioner_name": "patchbook-warm", "config": asked}
        argv = [
            sys.executable,
            "-f",
            "{connection_file}",
            "--HistoryManager.enabled=False",
            "--IPKernelApp.outstream_class=patchbook.grading.kernels.observation.ShortStream",
            "--InteractiveShellApp.ignore_cwd=True",  # a torch.py beside the notebook is not torch
        ]
        return KernelSpec(argv=argv, language="python", metadata={"kernel_provisioner": chosen})

    async def _async_pre_start_kernel(self, **options: Any):
        if self.home is None:
            self.home = tempfile.TemporaryDirectory(prefix="patchbook-kernel-")
            self.connection_file = os.path.join(self.home.name, "kernel.json")
        home = HOME if self.sandboxed else self.home.name
        options |= {"env": kernel_environment(home), "cwd": home}
        return await super()._async_pre_start_kernel(**options)

    pre_start_kernel = _async_pre_start_kernel

    def seconds_used(self) -> float:
        """How long the kernel and all it started have worked or slept, without waits for a processor."""
        if self.provisioner is None:
            return 0.0
        state = self.provisioner.ask({})
        return state["cpu"] + state["idle"]

    def why_ended(self) -> str:
        """Which limit ended the kernel; empty when none did."""
        return self.provisioner.ask({})["why"] if self.provisioner is not None else ""

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart and self.home is not None:
            self.home.cleanup()
            self.home = None

    cleanup_resources = _async_cleanup_resources
