"""What a kernel may send: messages of Jupyter's protocol. A learner's code can send anything in their place.

A kernel that sends something else has ended, as far as its submission goes: `Garbled` is a DeadKernelError.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from nbclient.exceptions import CellControlSignal, DeadKernelError
from traitlets import Type

from patchbook.grading.notebooks.strange_json import from_json

LONGEST_MESSAGE = 64 * 2**20  # bytes; a kernel that sends a longer one is cut off
MOST_WAITING = 8  # messages of a channel that wait in our memory to be read; the others wait in the kernel's


class Garbled(DeadKernelError):
    """What came is no message of Jupyter's protocol."""


class Channel(AsyncZMQSocketChannel):
    """A channel whose `get_msg` raises Garbled for what is no message: no JSON, badly signed, misshapen."""

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        with garbled():
            message = await super().get_msg(timeout)
            refuse(message)
            return message


class Client(AsyncKernelClient):
    """A client of a learner's kernel. It listens on the two channels that answer, a few messages ahead."""

    shell_channel_class = Type(Channel)
    iopub_channel_class = Type(Channel)

    def start_channels(self) -> None:
        self.session.unpack = from_json
        self.context.maxmsgsize, self.context.rcvhwm = (
            LONGEST_MESSAGE,
            MOST_WAITING,
        )  # of sockets made from now on
        super().start_channels(stdin=False, hb=False, control=False)


@contextmanager
def garbled() -> Iterator[None]:
    """Around what takes a message apart: whatever that raises is the fault of who sent it."""
    try:
        yield
    except (Empty, CellControlSignal):  # nothing came; nbclient's way to say that a cell is done
        raise
    except Exception as error:
        raise Garbled("it sent what is no message of Jupyter's protocol") from error


def refuse(message: dict[str, Any]) -> None:
    """Raise an error unless everybody who handles a message, or reads the notebook, can rely on its shape."""
    kind, content = message["msg_type"], message["content"]
    message["parent_header"].get("msg_id")
    want(isinstance(content.get("execution_count"), int | None))
    if kind == "execute_reply":
        for part in content.get("payload", ()):
            part.get("source")
    if kind == "error" or content.get("status") == "error":
        want(
            all(
                isinstance(text, str) for text in (content["ename"], content["evalue"], *content["traceback"])
            )
        )
    elif kind == "execute_reply":
        want(isinstance(content["status"], str))
    elif kind == "stream":
        want(isinstance(content["name"], str) and isinstance(content["text"], str))
    elif kind in ("display_data", "execute_result", "update_display_data"):
        want(isinstance(content["metadata"], dict))
        want(all(isinstance(data, str) or form.endswith("json") for form, data in content["data"].items()))


def want(fits: bool) -> None:
    if not fits:
        raise TypeError("a notebook's schema has other types here")
