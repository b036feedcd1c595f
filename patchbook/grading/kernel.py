"""The one place that decides which kernel runs a submission, and what that kernel sees.

`execute` asks for `KernelManager` and nothing else. A warm or sandboxed kernel goes here: a
jupyter_client kernel provisioner, named in the kernel spec's metadata.
"""

import os
import sys
import tempfile
from subprocess import DEVNULL

import psutil
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

# Startup files, profiles and paths that belong to the person who grades, not to the learner.
PERSONAL = ("PYTHONSTARTUP", "PYTHONINSPECT", "JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "VIRTUAL_ENV_PROMPT")
MODEL = "tiny-gpt2"  # ships with the package: grading touches no network


def kernel_environment(home: str) -> dict[str, str]:
    """The environment of a grading kernel whose settings, history and caches live under `home`."""
    kept = {name: value for name, value in os.environ.items() if name not in PERSONAL}
    return kept | {
        "PATCHBOOK_MODEL": MODEL,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "IPYTHONDIR": os.path.join(home, "ipython"),
        "JUPYTER_CONFIG_DIR": os.path.join(home, "jupyter"),
        "JUPYTER_NO_CONFIG": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        "TQDM_DISABLE": "1",  # a progress bar writes to stderr, and nbgrader scores that 0
        "OMP_NUM_THREADS": "1",  # small models gain nothing from threads, and marks should not wobble
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


class KernelManager(AsyncKernelManager):
    """Runs this interpreter, whatever kernels the person who grades has installed under "python3"."""

    home: tempfile.TemporaryDirectory | None = None

    def __init__(self, **options):
        super().__init__(transport="ipc", **options)  # Unix sockets: nobody on the network can listen

    @property
    def kernel_spec(self) -> KernelSpec:
        spec = KernelSpec(**get_kernel_dict())
        spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return spec

    async def _async_pre_start_kernel(self, **options):
        if self.home is None:
            self.home = tempfile.TemporaryDirectory(prefix="patchbook-kernel-")
            self.connection_file = os.path.join(self.home.name, "kernel.json")
        options |= {"env": kernel_environment(self.home.name), "cwd": self.home.name}
        options |= {"stdout": DEVNULL, "stderr": DEVNULL}  # the notebook's own output comes by message
        return await super()._async_pre_start_kernel(**options)

    pre_start_kernel = _async_pre_start_kernel

    def cpu_seconds(self) -> float:
        """CPU time that the kernel and its children have used; 0 when it is gone."""
        try:
            process = psutil.Process(self.provisioner.pid)
            return sum(sum(p.cpu_times()[:2]) for p in [process, *process.children(recursive=True)])
        except psutil.NoSuchProcess:
            return 0.0

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart and self.home is not None:
            self.home.cleanup()
            self.home = None

    cleanup_resources = _async_cleanup_resources
