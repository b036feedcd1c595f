"""Names, folders and states: how `load_model` finds a model and makes it ready. Torch is imported late."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from patchbook import zoo
from patchbook.models import hub, runs, shortformer
from patchbook.models.native import native_bridge, native_matrices

if TYPE_CHECKING:
    import torch
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import GPT2LMHeadModel, PreTrainedTokenizerBase

TOKENIZER = zoo.ZOO / "tiny-gpt2"  # all shipped models use it
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.json")
SHIPPED = ("tiny-gpt2", "tiny-attn-only")
SEEDS = (0, 1, 2, 3, 4)  # tiny-gpt2 by the same recipe: tiny-gpt2@1 and so on
CONTROL = "free"  # and once more without the price on early looks: tiny-gpt2@free
ON_THE_HUB = {
    "gpt2-small": hub.Repo(("openai-community/gpt2", "gpt2")),
    "attn-only-2l-shortformer": shortformer.REPO,
}
FALLBACK = "tiny-gpt2"


class ModelUnavailable(RuntimeError):
    """The model cannot be had here; the message says why and what to do."""


@dataclass(frozen=True)
class Availability:
    """One line of `patchbook doctor`: can `load_model(name)` work now, and if not, why not."""

    name: str
    source: str
    reachable: bool
    why: str


def load_model(
    name: str | os.PathLike | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> TransformerBridge:
    """The model called `name`, in compatibility mode and in eval mode.

    >>> model = load_model("tiny-gpt2")
    >>> model.cfg.n_layers, model.cfg.n_heads
    (4, 6)

    Without a name: the environment variable PATCHBOOK_MODEL, else gpt2-small where it can be had, else
    tiny-gpt2, and one printed line that says so. `device` defaults to `default_device()`, the GPU where
    there is one; `dtype` to float32. `model.cfg.device` says where the model is: make your tensors there.
    Raises ModelUnavailable if there is no such model or it cannot be reached.
    """
    import torch

    name = os.fspath(name) if name is not None else default_name()
    folder = folder_of(name)
    with quietly():
        model = read_folder(folder, device or default_device(), dtype or torch.float32)
    runs.count(model)
    model.cfg.model_name = name if name in ON_THE_HUB else folder.name
    return model


def load_raw(name: str | os.PathLike | None = None) -> GPT2LMHeadModel:
    """The same checkpoint with the weights as they were trained: nothing folded, nothing centred.

    >>> load_raw("tiny-gpt2").transformer.ln_f.bias.shape
    torch.Size([144])

    It is read by the library that it was saved with. Name and device are chosen as in `load_model`.
    Raises ModelUnavailable as `load_model` does, and ValueError for a model that is no GPT-2.
    """
    from transformers import GPT2LMHeadModel

    folder = folder_of(os.fspath(name) if name is not None else default_name())
    config = folder / "config.json"
    if not config.exists() or json.loads(config.read_text()).get("model_type") != "gpt2":
        raise ValueError(f"wanted a GPT-2, but {folder.name} is none: load_model reads it as it is.")
    with quietly():
        return GPT2LMHeadModel.from_pretrained(folder).eval().to(default_device())


def default_name() -> str:
    """What `load_model()` loads: PATCHBOOK_MODEL, else gpt2-small, else tiny-gpt2 with a printed line."""
    asked = os.environ.get("PATCHBOOK_MODEL")
    if asked:
        return asked
    repo = ON_THE_HUB["gpt2-small"]
    if hub.cached(repo) or hub.answers():
        return "gpt2-small"
    print(f"Using {FALLBACK}, which ships with Patchbook: the model hub with gpt2-small does not answer.")
    return FALLBACK


def default_device() -> str:
    """Where `load_model()` puts a model: PATCHBOOK_DEVICE, else CUDA's GPU if there is one, else the CPU.

    Apple's GPU has no float64, so it is used only when it is asked for: load_model(device="mps").
    """
    import torch

    return os.environ.get("PATCHBOOK_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")


def is_slow(model: TransformerBridge) -> bool:
    """Whether a model has 100 heads or more and no GPU: notebooks then take fewer prompts, and say so."""
    import torch

    large = model.cfg.n_layers * model.cfg.n_heads >= 100
    return large and torch.device(model.cfg.device).type == "cpu"


def variant(name: str, which: int | str) -> str:
    """The name of a shipped model's variant; seed 0 is the model itself.

    >>> variant("tiny-gpt2", 3), variant("tiny-gpt2", 0)
    ('tiny-gpt2@3', 'tiny-gpt2')
    """
    return f"{name}@{which}" if str(which) != "0" else name


VARIANTS = tuple(variant(FALLBACK, which) for which in (*SEEDS[1:], CONTROL))


def shipped() -> tuple[str, ...]:
    """Every model in the zoo by name: SHIPPED, and those VARIANTS whose training is done."""
    done = [name for name in VARIANTS if (zoo.ZOO / name / "config.json").exists()]
    return (*SHIPPED, *done)


def seeds() -> tuple[str, ...]:
    """Those of them that differ in their seed alone, as chapter 7 compares them; the control does not.

    >>> seeds()
    ('tiny-gpt2', 'tiny-gpt2@1', 'tiny-gpt2@2', 'tiny-gpt2@3', 'tiny-gpt2@4')
    """
    alike = [variant(FALLBACK, seed) for seed in SEEDS]
    return tuple(name for name in shipped() if name in alike)


def variant_folder(name: str) -> Path:
    """The folder of `tiny-gpt2@3`, or a message that says whether there could be one."""
    base, _, which = name.partition("@")
    if which == "0":
        return zoo.ZOO / base
    have = ", ".join(name for name in shipped() if name.startswith(FALLBACK))
    if name not in VARIANTS:
        known = ", ".join(VARIANTS)
        raise ModelUnavailable(
            f"wanted a variant of {base}, but got {name!r}.\nThere are: {FALLBACK}, {known}."
        )
    if name not in shipped():
        raise ModelUnavailable(
            f"{name} does not ship with this copy of Patchbook. Here are: {have}.\n"
            f"In a checkout you can train it: python -m patchbook.training {name}"
        )
    return zoo.ZOO / name


def folder_of(name: str) -> Path:
    """The folder that holds the model `name`; downloads it if it lives on the hub."""
    if name.startswith(f"{FALLBACK}@"):
        return variant_folder(name)
    if name in SHIPPED:
        return zoo.ZOO / name
    if name in ON_THE_HUB:
        return hub_folder(name, ON_THE_HUB[name])
    folder = Path(name).expanduser()
    if any((folder / file).exists() for file in ("config.json", shortformer.WEIGHTS)):
        return folder
    known = ", ".join((*SHIPPED, *ON_THE_HUB))
    raise ModelUnavailable(
        f"wanted a model, but got {name!r}, which is neither a known name nor a folder with a config.json.\n"
        f"Try one of: {known}."
    )


def hub_folder(name: str, repo: hub.Repo) -> Path:
    """The local copy of what a hub model needs: from the cache if it is there, else downloaded."""
    folder = hub.cached(repo)
    if folder:
        return folder
    advice = f'Connect to the internet, or use load_model("{FALLBACK}"), which needs no network.'
    if not hub.answers():
        raise ModelUnavailable(f"{name} is not on this machine and the model hub does not answer.\n{advice}")
    try:
        with quietly():
            return hub.download(repo)
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelUnavailable(f"{name} could not be downloaded: {said}\n{advice}") from None


def tokenizer_of(folder: Path) -> Path:
    """The folder of a shortformer's tokenizer: its own, else the public one's, in a repository of its own."""
    if (folder / "tokenizer.json").exists():
        return folder
    return hub_folder("the tokenizer of attn-only-2l-shortformer", shortformer.TOKENIZER)


def read_folder(folder: Path, device: str | torch.device, dtype: torch.dtype) -> TransformerBridge:
    """A folder -> a model, folded on the CPU and then moved.

    A config.json without `model_type` is one of our own attention-only models.
    """
    if (folder / shortformer.WEIGHTS).exists():
        return shortformer.read(folder / shortformer.WEIGHTS, tokenizer_of(folder), device, dtype)
    config = json.loads((folder / "config.json").read_text())
    if "model_type" not in config:
        return read_attention_only(folder, config, device, dtype)
    from transformer_lens.model_bridge import TransformerBridge

    tokenizer = None if any((folder / file).exists() for file in TOKENIZER_FILES) else shipped_tokenizer()
    model = TransformerBridge.boot_transformers(str(folder), device="cpu", dtype=dtype, tokenizer=tokenizer)
    model.enable_compatibility_mode(
        fold_ln=True,
        center_writing_weights=True,
        center_unembed=True,
        refactor_factored_attn_matrices=True,
    )
    return model.to(device).eval()


def shipped_tokenizer() -> PreTrainedTokenizerBase:
    """What every model of the zoo reads with."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(TOKENIZER)


def read_attention_only(
    folder: Path, config: dict, device: str | torch.device, dtype: torch.dtype
) -> TransformerBridge:
    """A folder written by `training.build.save_attn_only` -> a model.

    Without LayerNorm there is nothing to fold, and centring what heads write would change the logits. So
    compatibility mode only centres the unembedding, which no probability can notice.
    """
    from safetensors.torch import load_file

    model = native_bridge(config, shipped_tokenizer())
    saved = load_file(folder / "model.safetensors")
    for weight_name, weight in native_matrices(model).items():
        weight.data.copy_(saved[weight_name])
    model.enable_compatibility_mode(
        fold_ln=False, center_writing_weights=False, center_unembed=True, fold_value_biases=False
    )
    return model.to(device=device, dtype=dtype).eval()


def available_models() -> list[Availability]:
    """Every model by name: where it comes from, and whether it can be loaded now."""
    rows = [Availability(name, "ships with Patchbook", True, "") for name in shipped()]
    for name, repo in ON_THE_HUB.items():
        if hub.cached(repo):
            rows.append(Availability(name, "local cache of the model hub", True, ""))
        elif hub.answers():
            rows.append(Availability(name, "model hub", True, "will be downloaded once"))
        else:
            why = f"not in the local cache, and no answer from the hub in {hub.PATIENCE:g} s"
            rows.append(Availability(name, "model hub", False, why))
    return rows


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing printed while libraries load: nbgrader gives a cell that writes to stderr no marks."""
    import logging
    import warnings

    from huggingface_hub.utils import disable_progress_bars
    from transformers.utils import logging as transformers_logging

    disable_progress_bars()
    transformers_logging.disable_progress_bar()
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
