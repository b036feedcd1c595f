"""The IOI heads of the model in use, measured as chapter 2 measures them: by path patching, and by attention.

A head has a role when two signs agree: what the answer loses through one kind of path, and where the head
looks. Each sign has a line. A score says how far above its line the weaker sign is, in standard errors: what
another draw of prompts, as large as this one, can turn round is left to the learner.
"""

import contextlib
import functools
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

from patchbook.checking.labels import HeadScores
from patchbook.checking.measured import model_in_use, prompts_for
from patchbook.patching import paths
from patchbook.patching.effects import SURE, Effect
from patchbook.prompts.ioi import TEMPLATES, IOIDataset

Head = tuple[int, int]  # (layer, head)

ON_A_CPU = 48  # prompts instead of MANY, for a large model without a GPU
LOST, LOOKS, TIMES = 0.03, 0.2, 1.5  # the text's lines: share of the answer, attention, IO against S
CAN = 1.0  # logits between the IOI and the ABC set from which on there is a behaviour to explain


@dataclass(frozen=True)
class Runs:
    """A model's runs on IOI prompts (clean) and ABC prompts (new), and what both are scored with."""

    model: TransformerBridge
    ioi: IOIDataset
    abc: IOIDataset
    clean: ActivationCache
    new: ActivationCache
    clean_logit_diffs: Float[Tensor, "prompt"]
    new_logit_diffs: Float[Tensor, "prompt"]

    @property
    def clean_logit_diff(self) -> float:
        return self.clean_logit_diffs.mean().item()

    @property
    def new_logit_diff(self) -> float:
        return self.new_logit_diffs.mean().item()

    @property
    def can(self) -> bool:
        """Whether the model does the task at all."""
        return self.clean_logit_diff - self.new_logit_diff >= CAN

    def attention(self, query: str, key: str) -> Float[Tensor, "layer head"]:
        """Mean attention from one role to another, on the IOI prompts."""
        return self.attention_by_prompt(query, key).mean(0)

    def attention_by_prompt(self, query: str, key: str) -> Float[Tensor, "prompt layer head"]:
        rows, at = torch.arange(self.ioi.N), self.ioi.word_idx
        layers = range(self.model.cfg.n_layers)
        return torch.stack([self.clean["pattern", i][rows, :, at[query], at[key]] for i in layers], dim=1)

    def by_prompt(self, logits: Float[Tensor, "batch pos d_vocab"]) -> Float[Tensor, "batch"]:
        """Each prompt's logit difference: the metric of all paths."""
        return _logit_differences(logits, self.ioi)

    def lost(self, logits: Float[Tensor, "batch pos d_vocab"]) -> float:
        """The share of the logit difference that is gone: 0 as on IOI, 1 as on ABC prompts."""
        return self._effect(self.by_prompt(logits)).mean

    def _effect(self, by_prompt: Float[Tensor, "prompt"]) -> Effect:
        gone = self.clean_logit_diffs - by_prompt
        return Effect(gone / (self.clean_logit_diff - self.new_logit_diff))

    @torch.no_grad()
    def losses(
        self, receivers: list[Head] | None = None, name: str = "", senders: list[Head] | None = None
    ) -> dict[Head, Effect]:
        """What is lost when only the receivers' q, k or v hear a sender, or (None) only the output.

        Receivers hear earlier layers alone. senders: all that can be heard, if None.
        """
        if receivers == [] or senders == []:
            return {}
        given = (self.model, self.by_prompt, self.abc, self.ioi, self.new)
        with contextlib.redirect_stderr(io.StringIO()):  # a check shows no progress bar
            if receivers is None:
                rows = paths.get_path_patch_head_to_final_resid_post(*given, senders=senders)
            else:
                rows = paths.get_path_patch_head_to_heads(receivers, name, *given, senders=senders)
        rows = rows.as_subclass(Tensor).to(self.clean_logit_diffs)
        heads = [tuple(head) for head in (~rows[..., 0].isnan()).nonzero().tolist()]
        return {head: self._effect(rows[head]) for head in heads}

    def losing(self, receivers: list[Head] | None = None, names: str = " ") -> dict[Head, Effect]:
        """The heads through which one of these inputs loses enough to be named, with their largest loss."""
        found: dict[Head, Effect] = {}
        for name in names:
            for head, effect in self.losses(receivers, name.strip()).items():
                if effect.mean >= effect.line(LOST) and (head not in found or effect.mean > found[head].mean):
                    found[head] = effect
        return dict(sorted(found.items()))


def _logit_differences(logits: Float[Tensor, "batch pos d_vocab"], ioi: IOIDataset) -> Float[Tensor, "batch"]:
    rows, end = torch.arange(ioi.N), ioi.word_idx["end"]
    return logits[rows, end, ioi.io_tokenIDs] - logits[rows, end, ioi.s_tokenIDs]


@functools.lru_cache(maxsize=2)
@torch.no_grad()
def runs(model_name: str | None, seed: int, prompts: int | None = None) -> Runs:
    """Both runs of a model, on prompts that the seed chooses. prompts: as many as name a head, if None."""
    model = model_in_use(model_name)
    number = prompts or prompts_for(model, ON_A_CPU)
    return runs_on(model, number, seed)


@torch.no_grad()
def runs_on(
    model: TransformerBridge,
    number: int,
    seed: int,
    order: str = "mixed",
    templates: Sequence[str] = TEMPLATES[:8],
) -> Runs:
    """Both runs, on so many prompts of these templates."""
    rows = {"templates": templates, "device": model.cfg.device}
    sentences = IOIDataset(order, number, model.tokenizer, seed=seed, **rows)
    abc = sentences.gen_flipped_prompts("ABB->XYZ, BAB->XYZ")
    wanted = ("hook_z", "hook_pattern")
    (logits, clean), (new_logits, new) = (
        model.run_with_cache(prompts.toks, names_filter=lambda name: name.endswith(wanted))
        for prompts in (sentences, abc)
    )
    scores = (_logit_differences(logits, sentences), _logit_differences(new_logits, sentences))
    return Runs(model, sentences, abc, clean, new, *scores)


@functools.lru_cache(maxsize=8)
@torch.no_grad()
def roles(model_name: str | None, seed: int) -> dict[str, HeadScores]:
    """The roles that the chapter asks for, by kind: name mover, S-inhibition head, duplicate-token head.

    model_name: None is the default of `load_model`. Each role is measured on its way to the role before it.
    """
    found = runs(model_name, seed)
    look = found.attention_by_prompt
    to_io, to_s, to_s2 = look("end", "IO"), look("end", "S1") + look("end", "S2"), look("end", "S2")
    sure = f"{LOST:.0%} and {SURE} standard errors"
    mover = _role(
        found,
        "name mover",
        torch.minimum(_above(to_io, LOOKS), _above(to_io - TIMES * to_s, 0.0)),
        lambda heads: found.losses(senders=heads),
        "lost at the output",
        {"attention from the end to IO": to_io, "to S1 and S2": to_s},
        f"The output must lose {sure} without its message, and from the end it must look at IO: {LOOKS} "
        f"or more, and {TIMES} times as much as at S.",
    )
    inhibition = _role(
        found,
        "S-inhibition head",
        _above(to_s2, LOOKS),
        lambda heads: found.losses(_on_the_line(mover), "q", heads),
        "lost at the name movers' queries",
        {"attention from the end to S2": to_s2},
        f"The name movers' queries must lose {sure} without its message, and from the end it must look "
        f"at S2: {LOOKS} or more.",
    )
    to_s1 = look("S2", "S1")
    duplicate = _role(
        found,
        "duplicate-token head",
        _above(to_s1, LOOKS),
        lambda heads: found.losses(_on_the_line(inhibition), "v", heads),
        "lost at the S-inhibition heads' values",
        {"attention from S2 to S1": to_s1},
        f"The S-inhibition heads' values must lose {sure} without its message, and from S2 it must look "
        f"at S1: {LOOKS} or more.",
    )
    found_roles = (mover, inhibition, duplicate)
    return {role.kind: _beside(role, found_roles) for role in found_roles}


def _above(values: Float[Tensor, "prompt layer head"], line: float) -> Float[Tensor, "layer head"]:
    """How far above a line each head's mean is, in standard errors, as in `Effect.above`."""
    heads = values.flatten(1).unbind(-1)
    return torch.tensor([Effect(head).above(line) for head in heads]).view(values.shape[1:])


def _role(
    found: Runs,
    kind: str,
    looks: Float[Tensor, "layer head"],
    losses: Callable[[list[Head]], dict[Head, Effect]],
    where: str,
    attention: dict[str, Float[Tensor, "prompt layer head"]],
    rule: str,
) -> HeadScores:
    """A role's scores. A path costs a run, so it is measured only where the look allows the role."""
    lost, errors, above = (torch.full_like(looks, torch.nan) for _ in range(3))
    asked = [tuple(head) for head in (looks >= -SURE).nonzero().tolist()] if found.can else []
    for head, effect in losses(asked).items():
        lost[head], errors[head], above[head] = effect.mean, effect.error, effect.above(effect.line(LOST))
    weaker = (
        torch.minimum(above.nan_to_num(-torch.inf), looks)
        if found.can
        else torch.full_like(looks, -torch.inf)
    )
    if not found.can:
        rule = "The model in use does not do the task, so no head has a role in it: the list is empty."
    details = {where: lost, "give or take": errors} | {what: v.mean(0).cpu() for what, v in attention.items()}
    return HeadScores(kind, f"{kind} score", weaker, -SURE, SURE, details=details, rule=rule)


def _on_the_line(role: HeadScores) -> list[Head]:
    return [tuple(pair) for pair in (role.values >= 0).nonzero().tolist()]


def _beside(role: HeadScores, others: Iterable[HeadScores]) -> HeadScores:
    """The role, with the others as those it is easily taken for."""
    return replace(role, lookalikes={o.kind: o.values for o in others if o.kind != role.kind})
