"""Memory that no process's pages show counts all the same: a kernel that holds too much of it is ended."""

import os
import socket

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from patchbook.grading.kernels.held import held, in_open_files
from patchbook.grading.kernels.manager import KernelManager
from patchbook.grading.kernels.sandbox import MB, Limits
from tests.project.graders import toy_servers

HOLDS = {
    "files without a name": "for n in 'abcdefghijkl': os.write(os.memfd_create(n), bytes(100 * 2**20))",
    "private folders": (
        "for place in ('/tmp', '/home/learner', '/run/kernel', '/dev/shm'):\n"
        "    for n in range(3): open(f'{place}/{n}', 'wb').write(bytes(95 * 2**20))"
    ),
    "sockets": "[os.fork() for _ in range(4)]\nkept = [socket.socketpair() for _ in range(200)]",
}


@pytest.mark.parametrize("code", HOLDS.values(), ids=HOLDS)
def test_what_a_kernel_holds_beside_its_pages_ends_it(code):
    ended = []

    class Kernel(KernelManager):
        def __init__(self, **options):
            limits = Limits(memory=1024 * MB, disk=300 * MB).as_dict()
            super().__init__(server=toy_servers().warm.path, sandboxed=True, limits=limits, **options)

        async def _async_cleanup_resources(self, restart=False):
            ended.append(self.why_ended())
            await super()._async_cleanup_resources(restart=restart)

        cleanup_resources = _async_cleanup_resources

    notebook = new_notebook(cells=[new_code_cell(f"import os, socket, time\n{code}\ntime.sleep(600)")])
    with pytest.raises(DeadKernelError):
        NotebookClient(
            notebook, kernel_manager_class=Kernel, timeout=None, shutdown_kernel="immediate"
        ).execute()
    assert "it used more than 1024 MB of memory" in ended


def test_an_open_file_without_a_name_counts_once():
    before = in_open_files([os.getpid()])
    file = os.memfd_create("kept")
    os.write(file, bytes(2 * MB))
    copy = os.dup(file)
    assert in_open_files([os.getpid(), os.getpid()]) - before == 2 * MB
    os.close(file)
    os.close(copy)
    assert in_open_files([os.getpid()]) == before


def test_a_socket_counts_as_if_its_buffers_were_full():
    before = held([], ["/dev/shm"])
    kept = [socket.socketpair() for _ in range(50)]
    assert held([], ["/dev/shm"]) - before > 50 * 2 * 100_000
    for pair in kept:
        for end in pair:
            end.close()
