"""What chapter 2's exercises must compute: all but a circuit mean-ablated, or these heads alone; minimality.

Source of the definitions: Wang et al. 2022, arXiv 2211.00593, sections 4.1 to 4.3.
"""

import itertools
from collections.abc import Callable, Iterator

from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.forward_pass import Edit, forward, unchanged
from patchbook.tests.specifications.path_metrics import logits_to_ave_logit_diff_2

Head = tuple[int, int]  # (layer, head)


Run = Callable[[Int[Tensor, "batch pos"]], Float[Tensor, "batch pos d_vocab"]]


def add_mean_ablation_hook(
    model: TransformerBridge,
    means_dataset: object,
    circuit: dict[str, list[Head]],
    seq_pos_to_keep: dict[str, str],
    is_permanent: bool = True,
) -> Run:
    """A run in which z is its template's mean, but for the circuit's heads at their own positions.

    It is so every time. Where the hooks are not permanent, only once: then reset_hooks() has removed them.
    """
    means = template_means(model, means_dataset)

    def ablate(name, layer, activation):
        if name != "z":
            return activation
        ablated = means[layer].clone()
        for prompt, pos, head in _nodes(means_dataset, circuit, seq_pos_to_keep, layer):
            ablated[prompt, pos, head] = activation[prompt, pos, head]
        return ablated

    return until_reset(model, ablate, is_permanent)


def add_knockout_hook(
    model: TransformerBridge,
    means_dataset: object,
    knocked_out: dict[str, list[Head]],
    seq_pos_to_knock_out: dict[str, str],
    is_permanent: bool = True,
) -> Run:
    """A run in which z is untouched, but for these heads: at their own positions it is its template's mean.

    How often it is so: as in add_mean_ablation_hook.
    """
    edit = knocking_out(model, means_dataset, knocked_out, seq_pos_to_knock_out)
    return until_reset(model, edit, is_permanent)


def knocking_out(
    model: TransformerBridge,
    means_dataset: object,
    knocked_out: dict[str, list[Head]],
    positions: dict[str, str],
) -> Edit:
    """z with these heads at these positions set to its template's mean; every other activation as it is."""
    means = template_means(model, means_dataset)

    def ablate(name, layer, activation):
        if name != "z":
            return activation
        ablated = activation.clone()
        for prompt, pos, head in _nodes(means_dataset, knocked_out, positions, layer):
            ablated[prompt, pos, head] = means[layer][prompt, pos, head]
        return ablated

    return ablate


def template_means(model: TransformerBridge, dataset: object) -> dict[int, Float[Tensor, "batch pos head d"]]:
    """By layer: z, each prompt's replaced by the mean over the prompts of its template."""
    means: dict[int, Tensor] = {}

    def collect(name, layer, activation):
        if name == "z":
            means[layer] = activation.clone()
            for group in dataset.groups:
                means[layer][group] = activation[group].mean(0)
        return activation

    forward(model, dataset.toks, collect)
    return means


def _nodes(
    dataset: object, roles: dict[str, list[Head]], positions: dict[str, str], layer: int
) -> Iterator[tuple[int, int, int]]:
    """The (prompt, pos, head) of this layer at which heads play their roles."""
    for role, heads in roles.items():
        for head in (head for its_layer, head in heads if its_layer == layer):
            for prompt, pos in enumerate(dataset.word_idx[positions[role]].tolist()):
                yield prompt, pos, head


def until_reset(model: TransformerBridge, ablate: Edit, is_permanent: bool) -> Run:
    """Runs with this edit: all of them, or, if it is not permanent, the first."""
    edits = (
        itertools.repeat(ablate) if is_permanent else itertools.chain([ablate], itertools.repeat(unchanged))
    )
    return lambda tokens: forward(model, tokens, next(edits))


def get_minimality_score(
    model: TransformerBridge,
    ioi_dataset: object,
    abc_dataset: object,
    circuit: dict[str, list[Head]],
    seq_pos_to_keep: dict[str, str],
    head: Head,
    K: list[Head],
) -> float:
    """How much the head matters once K is gone: |F(C without K and head) - F(C without K)|, in logits.

    F is the mean logit difference on ioi_dataset with all but the circuit mean-ablated.
    """

    def score(removed: list[Head]) -> Tensor:
        rest = {role: [h for h in heads if h not in removed] for role, heads in circuit.items()}
        run = add_mean_ablation_hook(model, abc_dataset, rest, seq_pos_to_keep)
        return logits_to_ave_logit_diff_2(run(ioi_dataset.toks), ioi_dataset)

    return abs(score([*K, head]) - score(K)).item()
