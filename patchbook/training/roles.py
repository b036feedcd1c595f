"""The IOI circuit of a model by chapter 2's questions, asked one after another, on MANY prompts.

A head is named by the chapter's rule: it loses 3 % of the answer or more, three standard errors from zero,
and its role is where it looks. Nothing here is chosen by model or by seed.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from patchbook import reference_for
from patchbook.checking.measured_ioi import LOOKS, LOST, TIMES, Runs, runs
from patchbook.patching.effects import Effect, Head, by_head

MANY = 384  # prompts, as in chapter 2
SEED = 1
PLACES = {  # role -> where its heads work, a key of `word_idx`
    "name mover": "end",
    "other direct": "end",
    "negative": "end",
    "S-inhibition": "end",
    "other to queries": "end",
    "duplicate token": "S2",
    "induction": "S2",
    "other at S2": "S2",
    "previous token": "S1+1",
    "prepares IO": "IO",
    "prepares S1": "S1",
    "prepares S2": "S2",
}
Roles = dict[str, dict[Head, Effect]]


@dataclass(frozen=True)
class Circuit:
    """What chapter 2 finds in a model, and what the circuit does alone. `found`: the runs it is read from."""

    found: Runs

    @classmethod
    def of(cls, model_name: str, prompts: int = MANY) -> "Circuit":
        """Of a model by name; on fewer prompts nothing should be named."""
        return cls(runs(model_name, SEED, prompts))

    @cached_property
    def direct(self) -> dict[Head, Effect]:
        """What the answer loses when the output does not hear this head."""
        return self.found.losses()

    @cached_property
    def roles(self) -> Roles:
        """Role -> its heads, with what is lost without their message to the role before."""
        named = {role: {} for role in PLACES}
        if not self.found.can:
            return named
        to_io, to_s2 = self._looks("end", "IO"), self._looks("end", "S2")
        to_s = self._looks("end", "S1") + to_s2
        for head, effect in helping(self.direct).items():
            mover = to_io[head] >= LOOKS and to_io[head] >= TIMES * to_s[head]
            named["name mover" if mover else "other direct"][head] = effect
        named["negative"] = {h: e for h, e in self.direct.items() if -e.mean >= e.line(LOST)}
        for head, effect in self._telling(named["name mover"], "q").items():
            named["S-inhibition" if to_s2[head] >= LOOKS else "other to queries"][head] = effect
        to_s1, to_next = self._looks("S2", "S1"), self._looks("S2", "S1+1")
        for head, effect in self._telling(named["S-inhibition"], "v").items():
            if to_s1[head] >= LOOKS:
                role = "duplicate token"
            else:
                role = "induction" if to_next[head] >= LOOKS else "other at S2"
            named[role][head] = effect
        named["previous token"] = self._telling(named["induction"], "k")
        named["prepares IO"] = named["prepares S1"] = self._telling(named["name mover"], "kv")
        against = {head: effect for head, effect in named["other direct"].items() if to_s2[head] >= LOOKS}
        named["prepares S2"] = {
            **self._telling(against, "v"),
            **self._telling(named["induction"], "q"),
        }
        return named

    def _looks(self, query: str, key: str) -> Float[Tensor, "layer head"]:
        return self.found.attention(query, key)

    def _telling(self, receivers: dict[Head, Effect], letters: str) -> dict[Head, Effect]:
        return self.found.losing(list(receivers), letters) if receivers else {}

    @property
    def heads(self) -> set[Head]:
        """All heads of all roles."""
        return {head for heads in self.roles.values() for head in heads}

    @torch.no_grad()
    def share_alone(self) -> float:
        """What the circuit keeps of the logit difference when all other heads are mean-ablated."""
        circuit = {role: list(heads) for role, heads in self.roles.items()}
        alone = reference_for("add_mean_ablation_hook")(self.found.model, self.found.abc, circuit, PLACES)
        return self.found.by_prompt(alone(self.found.ioi.toks)).mean().item() / self.found.clean_logit_diff

    @torch.no_grad()
    def grown_without_movers(self) -> dict[Head, Effect]:
        """What other heads write more, as a share of the logit difference, once the name movers are gone.

        They are mean-ablated at the end. Both runs are divided by the scale that the LayerNorm had before.
        """
        found, gone = self.found, list(self.roles["name mover"])
        before, after = reference_for("get_direct_effects_after_knockout")(
            found.model, found.ioi, found.abc, gone
        )
        grown = by_head((after - before) / found.clean_logit_diff)
        return {head: effect for head, effect in grown.items() if head not in gone}


def helping(effects: dict[Head, Effect]) -> dict[Head, Effect]:
    """The heads without whose message enough is lost to name them."""
    return {head: effect for head, effect in effects.items() if effect.mean >= effect.line(LOST)}
