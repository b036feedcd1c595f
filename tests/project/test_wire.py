"""What a kernel sends: messages, or its own end. Whole submissions: test_hostile.py."""

import pytest
from nbclient.exceptions import CellExecutionComplete, DeadKernelError

from patchbook.grading.kernels.manager import KernelManager
from patchbook.grading.kernels.wire import MOST_WAITING, garbled, refuse

ERROR = {"ename": "E", "evalue": "", "traceback": ["E"]}
FITTING = [
    ("status", {"execution_state": "idle"}),
    ("execute_input", {"execution_count": 3, "code": "1"}),
    ("execute_reply", {"status": "ok", "execution_count": 3, "payload": [{"source": "ask_exit"}]}),
    ("execute_reply", {"status": "aborted"}),
    ("execute_reply", {"status": "error", **ERROR}),
    ("error", ERROR),
    ("stream", {"name": "stdout", "text": "a"}),
    ("display_data", {"data": {"text/plain": "a", "application/x+json": {"a": [1]}}, "metadata": {}}),
    ("execute_result", {"data": {}, "metadata": {}, "execution_count": 1}),
]
GARBLED = [
    ("execute_reply", {}),
    ("execute_reply", {"status": "ok", "payload": [5]}),
    ("execute_reply", {"status": "error", **ERROR, "traceback": None}),
    ("execute_input", {"execution_count": "3"}),
    ("error", {**ERROR, "evalue": 5}),
    ("stream", {"name": "stdout", "text": ["a"]}),
    ("display_data", {"data": {"text/plain": {"a": 1}}, "metadata": {}}),
    ("display_data", {"data": [], "metadata": {}}),
    ("update_display_data", {"data": {}, "metadata": 1}),
    ("status", []),
]


def message(kind, content):
    return {"msg_type": kind, "parent_header": {}, "content": content}


@pytest.mark.parametrize(("kind", "content"), FITTING)
def test_a_message_is_taken(kind, content):
    refuse(message(kind, content))


@pytest.mark.parametrize(("kind", "content"), GARBLED)
def test_what_is_no_message_ends_its_kernel(kind, content):
    with pytest.raises(DeadKernelError), garbled():
        refuse(message(kind, content))


def test_the_end_of_a_cell_is_no_fault():
    with pytest.raises(CellExecutionComplete), garbled():
        raise CellExecutionComplete


def test_a_flood_of_messages_waits_in_the_kernels_memory_not_in_ours(tmp_path):
    manager = KernelManager(connection_file=str(tmp_path / "kernel.json"))
    manager.write_connection_file()
    client = manager.client()
    client.start_channels()
    listens = [client._shell_channel, client._iopub_channel]
    assert [channel.socket.rcvhwm for channel in listens] == [MOST_WAITING] * 2
    assert client._stdin_channel is client._control_channel is client._hb_channel is None
    client.stop_channels()
