"""Answers to chapter 2: incompleteness, and what heads write once others are gone."""

import torch

from . import Bank
from .ioi_circuit import the_mask_turned_round, where_kept
from .path_metrics import by_fancy_indexing

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# get_incompleteness_score
def circuit_without(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K, answers_of=None):
    rest = {role: [h for h in heads if h not in K] for role, heads in circuit.items()}
    logits = where_kept(model, abc_dataset, rest, seq_pos_to_keep)(ioi_dataset.toks)
    model.reset_hooks(including_permanent=True)
    return by_fancy_indexing(logits, answers_of or ioi_dataset).item()


def model_without(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K, answers_of=None):
    gone = {role: [h for h in heads if h in K] for role, heads in circuit.items()}
    logits = the_mask_turned_round(model, abc_dataset, gone, seq_pos_to_keep)(ioi_dataset.toks)
    model.reset_hooks(including_permanent=True)
    return by_fancy_indexing(logits, answers_of or ioi_dataset).item()


@right("get_incompleteness_score")
def two_runs(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K)
    return abs(circuit_without(*given) - model_without(*given))


@right("get_incompleteness_score")
def the_model_first_and_sets_of_heads(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, set(K))
    larger, smaller = sorted((model_without(*given), circuit_without(*given)), reverse=True)
    return larger - smaller


@right("get_incompleteness_score")
def prompt_by_prompt(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    differences = []
    for build, in_K in ((where_kept, False), (the_mask_turned_round, True)):
        part = {role: [h for h in heads if (h in K) == in_K] for role, heads in circuit.items()}
        logits = build(model, abc_dataset, part, seq_pos_to_keep)(ioi_dataset.toks)
        model.reset_hooks(including_permanent=True)
        differences.append(by_fancy_indexing(logits, ioi_dataset, per_prompt=True))
    return (differences[0] - differences[1]).mean().abs()


@wrong("get_incompleteness_score", "sign-kept")
def circuit_less_model(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K)
    return circuit_without(*given) - model_without(*given)


@wrong("get_incompleteness_score", "k-left-in-the-model")
def against_the_whole_model(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(circuit_without(*given, K) - by_fancy_indexing(model(ioi_dataset.toks), ioi_dataset).item())


@wrong("get_incompleteness_score", "k-left-in-the-circuit")
def against_the_whole_circuit(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(circuit_without(*given, []) - model_without(*given, K))


@wrong("get_incompleteness_score", "k-ignored")
def faithfulness(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    return abs(circuit_without(*given, []) - model_without(*given, []))


@wrong("get_incompleteness_score", "circuit-knocked-out")
def without_all_of_the_circuit(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep)
    everyone = [head for heads in circuit.values() for head in heads]
    return abs(circuit_without(*given, K) - model_without(*given, everyone))


@wrong("get_incompleteness_score", "answers-of-abc")
def scored_by_the_abc_set(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K)
    return abs(circuit_without(*given, abc_dataset) - model_without(*given, abc_dataset))


@wrong("get_incompleteness_score", "divided")
def as_a_share_of_what_is_left(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    given = (model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K)
    return two_runs(*given) / abs(model_without(*given))


@wrong("get_incompleteness_score", "hooks-left")
def knockout_left_on(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K):
    result = two_runs(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K)
    the_mask_turned_round(model, abc_dataset, circuit, seq_pos_to_keep)
    return result


# get_direct_effects_after_knockout
def read_at_the_end(name):
    return name.endswith("hook_z") or name == "ln_final.hook_scale"


def two_caches(model, ioi_dataset, abc_dataset, knocked_out, place="end"):
    caches = []
    for heads in ([], knocked_out):
        the_mask_turned_round(model, abc_dataset, {"out": heads}, {"out": place})
        caches.append(model.run_with_cache(ioi_dataset.toks, names_filter=read_at_the_end)[1])
        model.reset_hooks(including_permanent=True)
    return caches


def writes(model, cache, dataset, position=None):
    rows = torch.arange(dataset.N)
    position = dataset.word_idx["end"] if position is None else position
    z = torch.stack([cache["z", layer][rows, position] for layer in range(model.cfg.n_layers)])
    return torch.einsum("lbhd,lhdm->lhbm", z, model.W_O)


def directions_of(model, dataset):
    return (model.W_U[:, dataset.io_tokenIDs] - model.W_U[:, dataset.s_tokenIDs]).T  # (batch, d_model)


def scale_at_the_end(cache, dataset):
    return cache["ln_final.hook_scale"][torch.arange(dataset.N), dataset.word_idx["end"]]  # (batch, 1)


@right("get_direct_effects_after_knockout")
def both_rows_under_one_scale(model, ioi_dataset, abc_dataset, knocked_out):
    caches = two_caches(model, ioi_dataset, abc_dataset, knocked_out)
    scaled = directions_of(model, ioi_dataset) / scale_at_the_end(caches[0], ioi_dataset)
    return torch.stack([(writes(model, cache, ioi_dataset) * scaled).sum(-1) for cache in caches])


@right("get_direct_effects_after_knockout")
def heads_after_heads(model, ioi_dataset, abc_dataset, knocked_out):
    rows, end = torch.arange(ioi_dataset.N), ioi_dataset.word_idx["end"]
    before, after = two_caches(model, ioi_dataset, abc_dataset, knocked_out)
    scaled = directions_of(model, ioi_dataset) / scale_at_the_end(before, ioi_dataset)
    effects = torch.zeros(2, model.cfg.n_layers, model.cfg.n_heads, ioi_dataset.N, dtype=scaled.dtype)
    for row, cache in enumerate((before, after)):
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                z = cache["z", layer][rows, end, head]
                effects[row, layer, head] = (z @ model.W_O[layer, head] * scaled).sum(-1)
    return effects


@right("get_direct_effects_after_knockout")
def difference_of_two_logits(model, ioi_dataset, abc_dataset, knocked_out):
    """Every head's logits of both names, under the whole model's scale."""
    caches = two_caches(model, ioi_dataset, abc_dataset, knocked_out)
    scale = scale_at_the_end(caches[0], ioi_dataset)
    rows = torch.arange(ioi_dataset.N)
    effects = []
    for cache in caches:
        logits = (writes(model, cache, ioi_dataset) / scale) @ model.W_U
        effects.append(
            logits[:, :, rows, ioi_dataset.io_tokenIDs] - logits[:, :, rows, ioi_dataset.s_tokenIDs]
        )
    return torch.stack(effects)


@wrong("get_direct_effects_after_knockout", "own-scale")
def each_run_under_its_own_scale(model, ioi_dataset, abc_dataset, knocked_out):
    directions = directions_of(model, ioi_dataset)
    return torch.stack(
        [
            (writes(model, cache, ioi_dataset) / scale_at_the_end(cache, ioi_dataset) * directions).sum(-1)
            for cache in two_caches(model, ioi_dataset, abc_dataset, knocked_out)
        ]
    )


@wrong("get_direct_effects_after_knockout", "unscaled")
def layer_norm_forgotten(model, ioi_dataset, abc_dataset, knocked_out):
    caches = two_caches(model, ioi_dataset, abc_dataset, knocked_out)
    return torch.stack(
        [(writes(model, cache, ioi_dataset) * directions_of(model, ioi_dataset)).sum(-1) for cache in caches]
    )


@wrong("get_direct_effects_after_knockout", "not-knocked-out")
def hooks_reset_too_early(model, ioi_dataset, abc_dataset, knocked_out):
    return both_rows_under_one_scale(model, ioi_dataset, abc_dataset, [])


@wrong("get_direct_effects_after_knockout", "change-in-row-1")
def what_changed(model, ioi_dataset, abc_dataset, knocked_out):
    before, after = both_rows_under_one_scale(model, ioi_dataset, abc_dataset, knocked_out)
    return torch.stack([before, after - before])


@wrong("get_direct_effects_after_knockout", "rows-swapped")
def the_knockout_first(model, ioi_dataset, abc_dataset, knocked_out):
    return both_rows_under_one_scale(model, ioi_dataset, abc_dataset, knocked_out).flip(0)


@wrong("get_direct_effects_after_knockout", "last-position")
def read_the_padding(model, ioi_dataset, abc_dataset, knocked_out):
    caches = two_caches(model, ioi_dataset, abc_dataset, knocked_out)
    scaled = directions_of(model, ioi_dataset) / caches[0]["ln_final.hook_scale"][:, -1]
    return torch.stack([(writes(model, cache, ioi_dataset, -1) * scaled).sum(-1) for cache in caches])


@wrong("get_direct_effects_after_knockout", "knocked-out-at-s2")
def at_another_place(model, ioi_dataset, abc_dataset, knocked_out):
    caches = two_caches(model, ioi_dataset, abc_dataset, knocked_out, "S2")
    scaled = directions_of(model, ioi_dataset) / scale_at_the_end(caches[0], ioi_dataset)
    return torch.stack([(writes(model, cache, ioi_dataset) * scaled).sum(-1) for cache in caches])


@wrong("get_direct_effects_after_knockout", "answers-swapped")
def from_io_to_s(model, ioi_dataset, abc_dataset, knocked_out):
    return -both_rows_under_one_scale(model, ioi_dataset, abc_dataset, knocked_out)
