"""A model on another device than the CPU. No GPU is needed. (Every cell of every chapter: test_chapters.)"""

import pytest
import torch

from patchbook import load_model
from patchbook.grading.kernels.manager import kernel_environment
from patchbook.models import loading
from tests.project.stub_device import StubDevice, there


@pytest.mark.parametrize("name", ["tiny-gpt2", "tiny-attn-only"])
def test_all_of_a_model_is_on_the_device_that_was_asked_for(name):
    model = load_model(name, device="meta")
    tensors = [*model.parameters(), *model.buffers(), model.to_tokens("Go.")]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert torch.device(model.cfg.device).type == "meta"
    _, cache = model.run_with_cache(model.to_tokens("Go."))
    assert {value.device.type for value in cache.values()} == {"meta"}


@pytest.mark.parametrize("gpu, asked, wanted", [
    (True, None, "cuda"),
    (False, None, "cpu"),
    (True, "cpu", "cpu"),
    (False, "meta", "meta"),
])  # fmt: skip
def test_the_gpu_is_used_where_there_is_one_unless_told_otherwise(monkeypatch, gpu, asked, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    if asked:
        monkeypatch.setenv("PATCHBOOK_DEVICE", asked)
    else:
        monkeypatch.delenv("PATCHBOOK_DEVICE", raising=False)
    assert loading.default_device() == wanted
    given = []
    monkeypatch.setattr(loading, "read_folder", lambda *arguments: given.append(arguments[1]) or StandIn())
    load_model("tiny-gpt2")
    load_model("tiny-gpt2", device="cpu")
    assert given == [wanted, "cpu"]


class StandIn:
    """A model that nobody looks at."""

    cfg = type("Config", (), {})()


def test_a_grading_kernel_stays_on_the_cpu():
    assert kernel_environment()["PATCHBOOK_DEVICE"] == "cpu"


def test_the_stub_allows_what_a_gpu_allows():
    with StubDevice():
        x = torch.ones(2, 3, device=StubDevice.NAME)
        assert str(x.device) == StubDevice.NAME and str(x.cpu().device) == "cpu"
        assert there(x + torch.tensor(2.0)) and there(x[torch.arange(2), 1]) and there(torch.zeros_like(x))
        assert there(torch.ones(2).to(x)) and not there(x.to("cpu")) and x.sum().item() == 6
        x[:, torch.tensor([0, 2])] = 0.0
        assert x.tolist() == [[0, 1, 0]] * 2


@pytest.mark.parametrize("mixed", [
    lambda x, y: x + y,
    lambda x, y: torch.stack([x, y]),
    lambda x, y: torch.einsum("ij,ij->i", x, y),
    lambda x, y: y[x.argmax(dim=0)],
    lambda x, y: x.gather(1, y.long()),
    lambda x, y: x.__setitem__(0, y[0]),
    lambda x, y: x.numpy(),
])  # fmt: skip
def test_the_stub_refuses_what_a_gpu_refuses(mixed):
    with StubDevice():
        x, y = torch.ones(2, 3, device=StubDevice.NAME), torch.ones(2, 3)
        with pytest.raises((RuntimeError, TypeError), match=r"devices meet|elsewhere|numpy"):
            mixed(x, y)
