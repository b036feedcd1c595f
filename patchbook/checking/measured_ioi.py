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
from transformer_lens.utilities import get_act_name

from patchbook.checking.labels import HeadScores
from patchbook.checking.measured import model_in_use
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

    def lost(self, logits: Float[Tensor, "batch pos d_vocab"]) -> float:
        """The share of the logit difference that is gone: 0 as on IOI, 1 as on ABC prompts."""
        gone = self.clean_logit_diff - _logit_difference(logits, self.ioi)
        return gone / (self.clean_logit_diff - self.new_logit_diff)

    def sending(self, sender: Head) -> list:
        """Hooks: the sender's z from the ABC run, every other head frozen to the IOI run."""

        def send(z, hook):
            z = self.clean[hook.name].clone()
            if hook.layer() == sender[0]:
                z[:, :, sender[1]] = self.new[hook.name][:, :, sender[1]]
            return z

        return [(get_act_name("z", layer), send) for layer in range(self.model.cfg.n_layers)]

    def lost_at_output(self, sender: Head) -> float:
        """What is lost when only the output hears the sender."""
        return self.lost(self.model.run_with_hooks(self.ioi.toks, fwd_hooks=self.sending(sender)))

    def lost_at_heads(self, sender: Head, receivers: list[Head], name: str) -> float:
        """What is lost when only the receivers' q, k or v hear the sender."""
        names = {get_act_name(name, layer) for layer, _ in receivers if layer > sender[0]}
        if not names:
            return 0.0
        with self.model.hooks(fwd_hooks=self.sending(sender)):
            _, heard = self.model.run_with_cache(self.ioi.toks, names_filter=lambda n: n in names)

        def receive(activation, hook):
            heads = [head for layer, head in receivers if layer == hook.layer()]
            activation = activation.clone()
            activation[:, :, heads] = heard[hook.name][:, :, heads]
            return activation

        return self.lost(self.model.run_with_hooks(self.ioi.toks, fwd_hooks=[(n, receive) for n in names]))


def _logit_difference(logits: Float[Tensor, "batch pos d_vocab"], ioi: IOIDataset) -> float:
    rows, end = torch.arange(ioi.N), ioi.word_idx["end"]
    return (logits[rows, end, ioi.io_tokenIDs] - logits[rows, end, ioi.s_tokenIDs]).mean().item()


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
    scores = (_logit_difference(logits, ioi), _logit_difference(new_logits, ioi))
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
        lambda head: found.lost_at_heads(head, _on_the_line(mover), "q"),
        {"lost at the name movers' queries": None, "attention from the end to S2": to_s2},
        f"The name movers' queries must lose {LOST:.0%} without its message, and from the end it must look "
        f"at S2: {LOOKS} or more.",
    )
    to_s1 = found.attention("S2", "S1")
    duplicate = _role(
        found,
        "duplicate-token head",
        to_s1 / LOOKS,
        lambda head: found.lost_at_heads(head, _on_the_line(inhibition), "v"),
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
    lost_by: Callable[[Head], float],
    details: dict[str, Float[Tensor, "layer head"] | None],
    rule: str,
) -> HeadScores:
    """A role's scores. A path costs a run or two, so it is measured only where the look allows the role."""
    lost = torch.full_like(looks, torch.nan if found.can else 0.0)
    if found.can:
        for head in (looks >= LOW).nonzero().tolist():
            lost[tuple(head)] = lost_by(tuple(head))
    weaker = torch.fmin(lost / LOST, looks)  # fmin: where nothing was measured, the look decides
    if not found.can:
        rule = "The model in use does not do the task, so no head has a role in it: the list is empty."
    shown = {what: lost if values is None else values for what, values in details.items()}
    return HeadScores(kind, f"{kind} score", weaker, LOW, HIGH, details=shown, rule=rule)


def _on_the_line(role: HeadScores) -> list[Head]:
    return [tuple(pair) for pair in (role.values >= 1).nonzero().tolist()]


def _beside(role: HeadScores, others: Iterable[HeadScores]) -> HeadScores:
    """The role, with the others as those it is easily taken for."""
    return replace(role, lookalikes={o.kind: o.values for o in others if o.kind != role.kind})
