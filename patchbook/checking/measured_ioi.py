"""The IOI heads of the model in use, measured as chapter 2 measures them: by path patching, and by attention.

A head has a role when two signs agree: what the answer loses through one kind of path, and where the head
looks. Its score is the weaker sign, in units of what the chapter's text asks for: 1 is the line.
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking.labels import HeadScores
from patchbook.checking.measured import model_in_use
from patchbook.patching.paths import get_path_patch_head_to_final_resid_post, get_path_patch_head_to_heads
from patchbook.prompts.ioi import TEMPLATES, IOIDataset

Head = tuple[int, int]  # (layer, head)

PROMPTS = 16  # one for each template and order
LOST, LOOKS, TIMES = 0.03, 0.2, 1.5  # the text's lines: share of the answer, attention, IO against S
LOW, HIGH = 0.7, 1.5  # of a line: below LOW a head has no such role, above HIGH it surely has
CAN = 1.0  # logits between the IOI and the ABC set from which on there is a behaviour to explain


@dataclass(frozen=True)
class Runs:
    """A model's runs on IOI prompts (clean) and ABC prompts (new), and what both are scored with."""

    model: TransformerBridge
    ioi: IOIDataset
    abc: IOIDataset
    clean: ActivationCache
    new: ActivationCache
    clean_logit_diff: float
    new_logit_diff: float

    @property
    def can(self) -> bool:
        """Whether the model does the task at all."""
        return self.clean_logit_diff - self.new_logit_diff >= CAN

    def attention(self, query: str, key: str) -> Float[Tensor, "layer head"]:
        """Mean attention from one role to another, on the IOI prompts."""
        rows, at = torch.arange(self.ioi.N), self.ioi.word_idx
        layers = range(self.model.cfg.n_layers)
        return torch.stack([self.clean["pattern", i][rows, :, at[query], at[key]].mean(0) for i in layers])

    def lost(self, logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, ""]:
        """The share of the logit difference that is gone: 0 as on IOI, 1 as on ABC prompts."""
        gone = self.clean_logit_diff - _logit_difference(logits, self.ioi)
        return gone / (self.clean_logit_diff - self.new_logit_diff)

    def lost_at_output(self) -> Float[Tensor, "layer head"]:
        """What is lost when only the output hears a sender, for each head as the sender."""
        paths = get_path_patch_head_to_final_resid_post
        return paths(self.model, self.lost, self.abc, self.ioi, self.new, self.clean)

    def lost_at_heads(self, receivers: list[Head], name: str) -> Float[Tensor, "layer head"]:
        """What is lost when only the receivers' q, k or v hear a sender; 0 if none comes after it."""
        lost = torch.zeros(self.model.cfg.n_layers, self.model.cfg.n_heads)
        if receivers and max(receivers)[0] > 0:
            given = (self.model, self.lost, self.abc, self.ioi, self.new, self.clean)
            rows = get_path_patch_head_to_heads(receivers, name, *given).cpu()
            lost[: len(rows)] = rows
        return lost


def _logit_difference(logits: Float[Tensor, "batch pos d_vocab"], ioi: IOIDataset) -> Float[Tensor, ""]:
    rows, end = torch.arange(ioi.N), ioi.word_idx["end"]
    return (logits[rows, end, ioi.io_tokenIDs] - logits[rows, end, ioi.s_tokenIDs]).mean()


@functools.lru_cache(maxsize=2)
@torch.no_grad()
def runs(model_name: str | None, seed: int) -> Runs:
    """Both runs of `load_model(model_name)`, on prompts that the seed chooses."""
    model = model_in_use(model_name)
    ioi = IOIDataset(
        "mixed", PROMPTS, model.tokenizer, seed=seed, templates=TEMPLATES[:8], device=model.cfg.device
    )
    abc = ioi.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    wanted = ("hook_z", "hook_pattern")
    (logits, clean), (new_logits, new) = (
        model.run_with_cache(prompts.toks, names_filter=lambda name: name.endswith(wanted))
        for prompts in (ioi, abc)
    )
    scores = (_logit_difference(logits, ioi).item(), _logit_difference(new_logits, ioi).item())
    return Runs(model, ioi, abc, clean, new, *scores)


@functools.lru_cache(maxsize=2)
def roles(model_name: str | None, seed: int) -> dict[str, HeadScores]:
    """The roles that the chapter asks for, by kind: name mover, S-inhibition head, duplicate-token head.

    model_name: None is the default of `load_model`. Each role is measured on its way to the role before it.
    """
    found = runs(model_name, seed)
    to_io, to_s = found.attention("end", "IO"), found.attention("end", "S1") + found.attention("end", "S2")
    mover = _role(
        found,
        "name mover",
        torch.minimum(to_io / LOOKS, to_io / (TIMES * to_s)),
        found.lost_at_output,
        {"lost at the output": None, "attention from the end to IO": to_io, "to S1 and S2": to_s},
        f"The output must lose {LOST:.0%} without its message, and from the end it must look at IO: {LOOKS} "
        f"or more, and {TIMES} times as much as at S.",
    )
    to_s2 = found.attention("end", "S2")
    inhibition = _role(
        found,
        "S-inhibition head",
        to_s2 / LOOKS,
        lambda: found.lost_at_heads(_on_the_line(mover), "q"),
        {"lost at the name movers' queries": None, "attention from the end to S2": to_s2},
        f"The name movers' queries must lose {LOST:.0%} without its message, and from the end it must look "
        f"at S2: {LOOKS} or more.",
    )
    to_s1 = found.attention("S2", "S1")
    duplicate = _role(
        found,
        "duplicate-token head",
        to_s1 / LOOKS,
        lambda: found.lost_at_heads(_on_the_line(inhibition), "v"),
        {"lost at the S-inhibition heads' values": None, "attention from S2 to S1": to_s1},
        f"The S-inhibition heads' values must lose {LOST:.0%} without its message, and from S2 it must look "
        f"at S1: {LOOKS} or more.",
    )
    found_roles = (mover, inhibition, duplicate)
    return {role.kind: _beside(role, found_roles) for role in found_roles}


def _role(
    found: Runs,
    kind: str,
    looks: Float[Tensor, "layer head"],
    lost_by: Callable[[], Float[Tensor, "layer head"]],
    details: dict[str, Float[Tensor, "layer head"] | None],
    rule: str,
) -> HeadScores:
    """A role's scores: the weaker sign decides."""
    lost = lost_by().to(looks) if found.can else torch.zeros_like(looks)
    weaker = torch.minimum(lost / LOST, looks)
    if not found.can:
        rule = "The model in use does not do the task, so no head has a role in it: the list is empty."
    shown = {what: lost if values is None else values for what, values in details.items()}
    return HeadScores(kind, f"{kind} score", weaker, LOW, HIGH, details=shown, rule=rule)


def _on_the_line(role: HeadScores) -> list[Head]:
    return [tuple(pair) for pair in (role.values >= 1).nonzero().tolist()]


def _beside(role: HeadScores, others: Iterable[HeadScores]) -> HeadScores:
    """The role, with the others as those it is easily taken for."""
    return replace(role, lookalikes={o.kind: o.values for o in others if o.kind != role.kind})
