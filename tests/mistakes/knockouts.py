"""The known wrong ways of chapter 2: incompleteness, and what heads write once others are gone."""

import functools

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import ioi_circuit
from patchbook.tests.specifications.forward_pass import forward
from patchbook.tests.specifications.path_metrics import logits_to_ave_logit_diff_2


def _sides(model, ioi_dataset, abc_dataset, circuit, seq_pos_to_keep, K, **wrong):
    """F of the circuit and of the model, each without K. run_on, answers_of: 1 for the ABC set.

    from_circuit, from_model: what is taken out instead of K. everywhere: K is ablated at every position.
    """
    sets = (ioi_dataset, abc_dataset)
    from_circuit, from_model = wrong.get("from_circuit", K), wrong.get("from_model", K)
    rest = {role: [h for h in heads if h not in from_circuit] for role, heads in circuit.items()}
    gone = {role: [h for h in heads if h in from_model] for role, heads in circuit.items()}
    if wrong.get("everywhere"):
        heads_gone = [head for heads in gone.values() for head in heads]
        second = functools.partial(forward, model, edit=_everywhere(model, abc_dataset, heads_gone))
    else:
        second = ioi_circuit.add_knockout_hook(model, abc_dataset, gone, seq_pos_to_keep)
    first = ioi_circuit.add_mean_ablation_hook(model, abc_dataset, rest, seq_pos_to_keep)
    tokens, answers = sets[wrong.get("run_on", 0)].toks, sets[wrong.get("answers_of", 0)]
    return tuple(logits_to_ave_logit_diff_2(run(tokens), answers).item() for run in (first, second))


def _everywhere(model, dataset, heads):
    """An edit: these heads' z is the template's mean at every position."""
    means = ioi_circuit.template_means(model, dataset)

    def edit(name, layer, activation):
        if name != "z":
            return activation
        activation = activation.clone()
        for its_layer, head in heads:
            if its_layer == layer:
                activation[:, :, head] = means[layer][:, :, head]
        return activation

    return edit


def _incompleteness(formula=lambda circuit, model: abs(circuit - model), **wrong):
    return lambda *arguments: formula(*_sides(*arguments, **wrong))


def _all_heads(circuit):
    return [head for heads in circuit.values() for head in heads]


get_incompleteness_score = (
    Mistake(
        "sign-kept",
        _incompleteness(lambda circuit, model: circuit - model),
        "the difference has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "sign-kept-other-way",
        _incompleteness(lambda circuit, model: model - circuit),
        "the difference has a sign; wanted its size.",
        "Take abs().",
    ),
    Mistake(
        "k-left-in-the-model",
        _incompleteness(from_model=[]),
        "the circuit without K is compared with the whole model.",
        "Take K out of both: knock the same heads out of the model.",
    ),
    Mistake(
        "k-left-in-the-circuit",
        _incompleteness(from_circuit=[]),
        "the whole circuit is compared with the model without K.",
        "Take K out of both: build the circuit without it.",
    ),
    Mistake(
        "k-ignored",
        _incompleteness(from_circuit=[], from_model=[]),
        "K is taken out of neither: this is the gap in faithfulness.",
        "Take K out of the circuit, and knock it out of the model.",
    ),
    Mistake(
        "k-kept-instead",
        lambda model, ioi, abc, circuit, positions, K: abs(
            float.__sub__(
                *_sides(
                    model, ioi, abc, circuit, positions, K,
                    from_circuit=[head for head in _all_heads(circuit) if head not in K],
                )
            )
        ),
        "the circuit that is run is K itself, not what is left without it.",
        "Keep the heads of the circuit that are not in K.",
    ),
    Mistake(
        "circuit-knocked-out",
        lambda model, ioi, abc, circuit, positions, K: abs(
            float.__sub__(*_sides(model, ioi, abc, circuit, positions, K, from_model=_all_heads(circuit)))
        ),
        "the whole circuit is knocked out of the model, not K alone.",
        "Give add_knockout_hook only the heads that are in K.",
    ),
    Mistake(
        "knocked-out-everywhere",
        _incompleteness(everywhere=True),
        "in the model K is knocked out at every position.",
        "A head is knocked out where it plays its role: give add_knockout_hook the roles of K's heads.",
    ),
    Mistake(
        "one-side-only",
        _incompleteness(lambda circuit, model: abs(model)),
        "it gives what the model can do without K, not how far the circuit is from it.",
        "Subtract the two logit differences.",
    ),
    Mistake(
        "ran-on-abc",
        _incompleteness(run_on=1),
        "the ablated models are run on the ABC prompts.",
        "Run ioi_dataset.toks: abc_dataset is for the means alone.",
    ),
    Mistake(
        "answers-of-abc",
        _incompleteness(answers_of=1),
        "the answers are those of abc_dataset.",
        "Score with ioi_dataset: abc_dataset is for the means alone.",
    ),
    Mistake(
        "divided",
        _incompleteness(lambda circuit, model: abs(circuit - model) / abs(model)),
        "the difference is divided by the model's logit difference; wanted logits.",
        "Return the difference itself.",
    ),
)  # fmt: skip


def _effects(model, ioi_dataset, abc_dataset, knocked_out, **wrong):
    """get_direct_effects_after_knockout with one thing wrong."""
    rows, end = torch.arange(len(ioi_dataset.toks)), ioi_dataset.word_idx["end"]
    end = torch.full_like(end, -1) if wrong.get("last") else end
    answers = abc_dataset if wrong.get("answers") else ioi_dataset
    directions = model.W_U[:, answers.io_tokenIDs] - model.W_U[:, answers.s_tokenIDs]  # (d_model, batch)
    runs = [_run(model, ioi_dataset, abc_dataset, heads, wrong) for heads in ([], knocked_out)]
    if wrong.get("frozen"):
        runs[1] = (_frozen(runs[0][0], runs[1][0], knocked_out), runs[1][1])
    effects = []
    for z, stream in runs[:1] * 2 if wrong.get("never") else runs:
        stream = stream if wrong.get("own_scale") else runs[0][1]
        final = stream[rows, end]
        final = final - final.mean(-1, keepdim=True)
        scale = (final.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()  # (batch, 1)
        scale = torch.ones_like(scale) if wrong.get("unscaled") else scale
        written = torch.einsum("lbhd,lhdm->lhbm", z[:, rows, end], model.W_O)
        effects.append(torch.einsum("lhbm,mb->lhb", written / scale, directions))
    return torch.stack(effects)


def _run(model, ioi_dataset, abc_dataset, heads, wrong):
    """Each layer's z (layer, batch, pos, head, d_head), and the last stream."""
    place = wrong.get("place", "end")
    knock_out = ioi_circuit.knocking_out(model, abc_dataset, {"out": heads}, {"out": place})
    if wrong.get("everywhere"):
        knock_out = _everywhere(model, abc_dataset, heads)
    seen = {}

    def edit(name, layer, activation):
        edited = knock_out(name, layer, activation)
        if wrong.get("zero") and name == "z":
            edited = torch.where(edited == activation, activation, torch.zeros_like(activation))
        seen[name, layer] = edited
        return edited

    forward(model, (abc_dataset if wrong.get("on_abc") else ioi_dataset).toks, edit)
    layers = range(model.cfg.n_layers)
    return torch.stack([seen["z", layer] for layer in layers]), seen["resid_post", layers[-1]]


def _frozen(before, after, heads):
    """Nobody reacts: z of before, but the knocked-out heads' of after."""
    z = before.clone()
    for layer, head in heads:
        z[layer, :, :, head] = after[layer, :, :, head]
    return z


def _wrong_effects(**wrong):
    return functools.partial(_effects, **wrong)


def _of_rows(change):
    return lambda *arguments: change(*_effects(*arguments))


get_direct_effects_after_knockout = (
    Mistake(
        "own-scale",
        _wrong_effects(own_scale=True),
        "each run is divided by its own LayerNorm scale: all shares grow when the stream shrinks.",
        "Use the scale of the run before the knockout in both rows.",
    ),
    Mistake(
        "unscaled",
        _wrong_effects(unscaled=True),
        "the final LayerNorm's scale is missing.",
        'Divide by cache["ln_final.hook_scale"] at each prompt\'s end.',
    ),
    Mistake(
        "not-knocked-out",
        _wrong_effects(never=True),
        "both rows are the same run: nothing is knocked out.",
        "Call add_knockout_hook before the second run, and reset the hooks after it.",
    ),
    Mistake(
        "nobody-reacts",
        _wrong_effects(frozen=True),
        "the other heads' values come from the run before: nobody can react to the knockout.",
        "Take all of the second row from the run with the hooks on.",
    ),
    Mistake(
        "rows-swapped",
        _of_rows(lambda before, after: torch.stack([after, before])),
        "the rows have changed places.",
        "Row 0 is before the knockout, row 1 after it.",
    ),
    Mistake(
        "change-in-row-1",
        _of_rows(lambda before, after: torch.stack([before, after - before])),
        "row 1 is the change; wanted the effects after the knockout.",
        "Return both; whoever wants the change subtracts.",
    ),
    Mistake(
        "last-position",
        _wrong_effects(last=True),
        "the heads are read at the last position, which is padding in short prompts.",
        'Read each prompt at its own end: word_idx["end"].',
    ),
    Mistake(
        "zero-ablated",
        _wrong_effects(zero=True),
        "the heads are set to zero, not to their mean.",
        "Use add_knockout_hook with abc_dataset.",
    ),
    Mistake(
        "knocked-out-everywhere",
        _wrong_effects(everywhere=True),
        "the heads are knocked out at every position.",
        'Knock them out at "end" alone.',
    ),
    Mistake(
        "knocked-out-at-s2",
        _wrong_effects(place="S2"),
        "the heads are knocked out at S2.",
        'Knock them out at "end".',
    ),
    Mistake(
        "answers-swapped",
        _of_rows(lambda before, after: -torch.stack([before, after])),
        "the direction points from IO to S.",
        "W_U of IO minus W_U of S.",
    ),
    Mistake(
        "answers-of-abc",
        _wrong_effects(answers=True),
        "the directions are made of abc_dataset's answers.",
        "Take the answers of ioi_dataset: abc_dataset is for the means alone.",
    ),
    Mistake(
        "ran-on-abc",
        _wrong_effects(on_abc=True),
        "the runs are on the ABC prompts.",
        "Run ioi_dataset.toks: abc_dataset is for the means alone.",
    ),
)
