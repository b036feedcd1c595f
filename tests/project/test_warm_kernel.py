"""A kernel that is a fork of a warm process behaves as an ordinary one, for anybody who runs notebooks."""

import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

import patchbook.grading
from tests.project import graders
from tests.project.events import NEVER, until

SPECS = str(Path(patchbook.grading.__file__).parent)  # its folder "kernels" holds our kernel spec
DAEMON = """
import os, sys, time
if not os.fork():
    os.setsid()
    if not os.fork():
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "{marker}"])
    os._exit(0)
_ = os.wait()
"""


@pytest.fixture(scope="module", autouse=True)
def own_spec():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", SPECS)
        yield


def run(*sources, **options):
    """The notebook that stock nbclient makes of the cells, on the kernel "patchbook"."""
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    options = {"timeout": NEVER, "iopub_timeout": NEVER, "kernel_name": "patchbook"} | options
    NotebookClient(notebook, **options).execute()
    return notebook


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def marked(marker):
    """The processes that a test started, by a word in their command line."""
    return [p for p in psutil.process_iter(["cmdline"]) if marker in (p.info["cmdline"] or [])]


def gone(pid):
    """Waits until the process has ended."""
    with suppress(psutil.NoSuchProcess):  # it had
        graders.gone([psutil.Process(pid)])
    return True


def test_libraries_and_models_are_there_before_the_first_cell():
    first = "import sys; print({'torch', 'transformer_lens', 'patchbook.models'} <= set(sys.modules))"
    model = "import patchbook; print(patchbook.load_model('tiny-gpt2').cfg.n_heads)"
    notebook = run(first, model)
    assert printed(notebook.cells[0]) == "True\n" and int(printed(notebook.cells[1])) > 0


def test_each_notebook_has_a_kernel_and_a_model_of_its_own(tmp_path):
    edit = (
        "import os, patchbook; m = patchbook.load_model('tiny-gpt2')\n"
        "print(m.W_E.detach().sum().item()); m.W_E.data.zero_()"
    )
    here = "print(os.getcwd(), os.getpid())"
    one, two = (run(edit, here, resources={"metadata": {"path": str(tmp_path)}}) for _ in range(2))
    assert printed(one.cells[0]) == printed(two.cells[0]) != "0.0\n"
    assert printed(one.cells[1]) != printed(two.cells[1]) and str(tmp_path) in printed(one.cells[1])


def test_an_error_is_an_error_and_input_is_refused():
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        run("1 / 0")
    with pytest.raises(CellExecutionError, match="StdinNotImplementedError"):
        run("input()")


@pytest.mark.parametrize(
    "end", ["import os; os._exit(3)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_death_is_noticed(end):
    with pytest.raises(DeadKernelError):
        run("1 + 1", end)


@contextmanager
def session():
    """A manager with a kernel of ours, and a client of it."""
    manager, client = start_new_kernel(startup_timeout=NEVER, kernel_name="patchbook")
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def test_an_interrupt_ends_the_cell_and_the_session_goes_on():
    def interrupt(message):
        if message["msg_type"] == "stream":
            manager.interrupt_kernel()

    with session() as (manager, client):
        loop = "kept = 1\nprint('it runs', flush=True)\nwhile True: pass"
        first = client.execute_interactive(loop, output_hook=interrupt)
        second = client.execute_interactive("assert kept == 1")
    assert first["content"]["ename"] == "KeyboardInterrupt" and second["content"]["status"] == "ok"


def test_restart_gives_a_fresh_session_to_the_same_client():
    with session() as (manager, client):
        pid = manager.provisioner.pid
        first = client.execute_interactive("mine = 1")
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=NEVER)
        second = client.execute_interactive("mine", output_hook=lambda message: None)
        alive = manager.is_alive()
    assert first["content"]["status"] == "ok" and second["content"]["ename"] == "NameError"
    assert alive and not manager.is_alive() and gone(pid)
    file = Path(manager.connection_file)
    assert not list(file.parent.glob(file.stem + "*")), "no socket or file stays behind"


def test_a_daemon_does_not_outlive_its_kernel(tmp_path):
    there = (
        f"while not any({tmp_path.name!r} in (p.info['cmdline'] or [])"
        " for p in psutil.process_iter(['cmdline'])): pass"
    )
    notebook = run(DAEMON.format(marker=tmp_path.name), "import psutil", there)
    assert not notebook.cells[0].outputs
    assert marked(tmp_path.name) == []


def test_when_the_owner_is_killed_nothing_stays(tmp_path):
    code = textwrap.dedent(f"""
        import time
        from jupyter_client.manager import start_new_kernel
        manager, client = start_new_kernel(kernel_name="patchbook")
        client.execute_interactive({DAEMON.format(marker=tmp_path.name)!r})
        from patchbook.grading.kernels.provisioner import own_server
        print(manager.provisioner.pid, own_server().process.pid, flush=True)
        time.sleep(600)
    """)
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        kernel, server = map(int, owner.stdout.readline().split())
        until(lambda: marked(tmp_path.name))
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
    assert gone(kernel) and gone(server)
    until(lambda: not marked(tmp_path.name))


@pytest.mark.parametrize("module", ["kernels.warm_process", "judging.judge"])
def test_a_server_whose_maker_is_gone_before_it_asked_for_anything_leaves_nothing(module, tmp_path):
    folder = tmp_path / "patchbook-server-0"
    folder.mkdir()
    command = [sys.executable, "-P", "-m", f"patchbook.grading.{module}", str(folder / "socket")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and not folder.exists()


def test_an_extra_kernel_shares_its_libraries_memory():
    own = "import psutil; used = psutil.Process().memory_full_info(); print(used.uss >> 20, used.rss >> 20)"
    private, resident = map(int, printed(run(own).cells[0]).split())
    assert private < 100 < resident, f"{private} MB of {resident} MB are its own"
    print(f"{private} MB of a warm kernel's {resident} MB are its own", file=sys.stderr)
