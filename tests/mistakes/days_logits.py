"""The known wrong ways of chapter 4: rank and probability, logit differences, the metric, the parts.

In the rows, x are logits, r right and w wrong tokens.
"""

import torch

from patchbook.checking import Mistake
from patchbook.tests.specifications import days_logits as specifications


def _last(model, prompt, **options):
    return model(model.to_tokens(prompt, **options))[0, -1].detach()


def _answer(changed):
    """changed(rank, logit, probability, logits, token) -> the tuple, wrong in some way."""

    def wrong(model, prompt, answer):
        logits = _last(model, prompt)
        return changed(
            *specifications.rank_and_prob(model, prompt, answer), logits, model.to_single_token(answer)
        )

    return wrong


def _read_from(logits, token):
    rank = int((logits > logits[token]).sum())
    return rank, logits[token].item(), logits.softmax(-1)[token].item()


def _with_tokens(tokens_of):
    def wrong(model, prompt, answer):
        logits = model(tokens_of(model, prompt)).detach()[0, -1]
        return _read_from(logits, model.to_single_token(answer))

    return wrong


def _at(position):
    def wrong(model, prompt, answer):
        logits = model(model.to_tokens(prompt)).detach()[0, position]
        return _read_from(logits, model.to_single_token(answer))

    return wrong


def _first_piece_without_space(model, prompt, answer):
    token = model.to_tokens(answer.strip(), prepend_bos=False)[0, 0].item()
    return _read_from(_last(model, prompt), token)


def _ascending(rank, logit, p, x, t):
    return int((x < x[t]).sum()), logit, p


rank_and_prob = (
    Mistake(
        "rank-from-1",
        _answer(lambda rank, logit, p, x, t: (rank + 1, logit, p)),
        "ranks are counted from 1; the likeliest token has rank 0.",
        "Count the tokens whose logit is larger than the answer's: for the best there are none.",
    ),
    Mistake(
        "rank-from-the-bottom",
        _answer(_ascending),
        "the rank counts from the least likely token.",
        "Count the larger logits, or sort with descending=True.",
    ),
    Mistake(
        "log-probability",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x.log_softmax(-1)[t].item())),
        "the third number is a log-probability; wanted a probability.",
        "Use softmax, or take .exp() of the log-probability.",
    ),
    Mistake(
        "log-probability-for-logit",
        _answer(lambda rank, logit, p, x, t: (rank, x.log_softmax(-1)[t].item(), p)),
        "the second number is a log-probability; wanted the logit as the model gives it.",
        "Take it before any softmax.",
    ),
    Mistake(
        "probability-and-logit-swapped",
        _answer(lambda rank, logit, p, x, t: (rank, p, logit)),
        "logit and probability have changed places.",
        "The order is rank, logit, probability.",
    ),
    Mistake(
        "exp-of-logit",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x[t].exp().item())),
        "the third number is exp(logit), which is not divided by the sum over all tokens.",
        "Use softmax over the vocabulary.",
    ),
    Mistake(
        "sigmoid",
        _answer(lambda rank, logit, p, x, t: (rank, logit, x[t].sigmoid().item())),
        "the third number is a sigmoid; it asks about one token alone.",
        "Use softmax over the vocabulary: the probabilities of all tokens sum to 1.",
    ),
    Mistake(
        "percent",
        _answer(lambda rank, logit, p, x, t: (rank, logit, 100 * p)),
        "the probability is in percent; wanted a number from 0 to 1.",
        "Leave the factor 100 out.",
    ),
    Mistake(
        "first-position",
        _at(0),
        "the logits are read at the first position, after BOS.",
        "The answer is predicted at the prompt's end: logits[0, -1].",
    ),
    Mistake(
        "position-before-last",
        _at(-2),
        "the logits are read one position before the end.",
        "The last position predicts what comes after the prompt: logits[0, -1].",
    ),
    Mistake(
        "no-bos",
        _with_tokens(lambda model, prompt: model.to_tokens(prompt, prepend_bos=False)),
        "the prompt runs without BOS.",
        "model.to_tokens(prompt) puts it there by itself.",
    ),
    Mistake(
        "space-at-the-end",
        _with_tokens(lambda model, prompt: model.to_tokens(prompt + " ")),
        "a space is added to the end of the prompt: it becomes a token of its own.",
        "Run the prompt as it is: the answer brings its own space.",
    ),
    Mistake(
        "answer-without-space",
        _first_piece_without_space,
        "the answer's leading space was lost: this is another token.",
        "Pass the answer on as it is: model.to_single_token(answer).",
    ),
    Mistake(
        "answer-in-the-prompt",
        lambda model, prompt, answer: _read_from(
            _last(model, prompt + answer), model.to_single_token(answer)
        ),
        "the answer was run as part of the prompt.",
        "Run the prompt alone; its end predicts the answer.",
    ),
)


def _difference(x, r, w):
    rows = torch.arange(len(x))
    return x[rows, r] - x[rows, w]


def _each(per_prompt_values):
    """per_prompt_values(logits, right, wrong), averaged or not as the exercise asks."""

    def wrong(logits, answer_tokens, wrong_tokens, per_prompt=False):
        values = per_prompt_values(logits, answer_tokens, wrong_tokens)
        return values if per_prompt else values.mean()

    return wrong


_WAYS_TO_DIFFER = {  # id -> what a learner computes for each prompt, what is wrong, what to do
    "today-and-tomorrow-swapped": (
        lambda x, r, w: _difference(x[:, -1], w, r),
        "today and tomorrow are the other way round: it takes the answer's logit away from today's.",
        "Subtract the logit of wrong_tokens from that of answer_tokens.",
    ),
    "first-position": (
        lambda x, r, w: _difference(x[:, 0], r, w),
        "the logits are read at the first position.",
        "The answer is predicted at the last position: logits[:, -1].",
    ),
    "position-before-last": (
        lambda x, r, w: _difference(x[:, -2], r, w),
        "the logits are read one position before the last.",
        "The last position predicts what comes after the prompt: logits[:, -1].",
    ),
    "mean-over-positions": (
        lambda x, r, w: torch.stack([_difference(x[:, p], r, w) for p in range(x.shape[1])]).mean(0),
        "the difference is averaged over all positions.",
        "Only the last position predicts the answer: logits[:, -1].",
    ),
    "probabilities": (
        lambda x, r, w: _difference(x[:, -1].softmax(-1), r, w),
        "this is a difference of probabilities; wanted one of logits.",
        "Leave the softmax out.",
    ),
    "only-the-answer": (
        lambda x, r, w: x[:, -1].gather(1, r[:, None])[:, 0],
        "this is the answer's logit; today's is not taken away.",
        "Subtract the logit of wrong_tokens.",
    ),
    "one-prompts-answers": (
        lambda x, r, w: _difference(x[:, -1], r[:1].expand_as(r), w[:1].expand_as(w)),
        "the first prompt's answers are used for all prompts.",
        "Entry i of both token lists belongs to row i of the logits.",
    ),
    "every-answer-for-every-prompt": (
        lambda x, r, w: x[:, -1][:, r] - x[:, -1][:, w],
        "every prompt is asked for the answers of all prompts: the differences are (batch, batch).",
        "Prompt i goes with token i: logits[torch.arange(len(logits)), -1, answer_tokens].",
    ),
    "one-wrong-token-for-all": (
        lambda x, r, w: _difference(x[:, -1], r, w[:1].expand_as(w)),
        "the first prompt's wrong token is used for all prompts.",
        "Each prompt has a wrong token of its own: today's day in that prompt.",
    ),
    "absolute": (
        lambda x, r, w: _difference(x[:, -1], r, w).abs(),
        "the differences have lost their sign.",
        "A negative difference says that the model prefers today: leave .abs() out.",
    ),
    "added": (
        lambda x, r, w: x[:, -1].gather(1, torch.stack([r, w], dim=1)).sum(1),
        "the two logits are added.",
        "Subtract the logit of wrong_tokens.",
    ),
    "against-the-best": (
        lambda x, r, w: x[:, -1].gather(1, r[:, None])[:, 0] - x[:, -1].max(-1).values,
        "the answer is compared with the likeliest token; wanted today's day.",
        "Subtract the logit of wrong_tokens.",
    ),
}


logits_to_ave_logit_diff_of_days = (
    *(Mistake(id, _each(values), what, next) for id, (values, what, next) in _WAYS_TO_DIFFER.items()),
    Mistake(
        "sum-not-mean",
        lambda x, r, w, per_prompt=False: (
            _difference(x[:, -1], r, w) if per_prompt else _difference(x[:, -1], r, w).sum()
        ),
        "the prompts' differences are added up; wanted their mean.",
        "Use .mean().",
    ),
    Mistake(
        "per-prompt-ignored",
        lambda x, r, w, per_prompt=False: _difference(x[:, -1], r, w).mean(),
        "it gives the mean even when per_prompt is True.",
        "With per_prompt, return the differences before the mean: one for each prompt.",
    ),
    Mistake(
        "never-averaged",
        lambda x, r, w, per_prompt=False: _difference(x[:, -1], r, w),
        "it gives one value for each prompt even when per_prompt is False.",
        "Without per_prompt, return the mean of the differences.",
    ),
)


def _metric(formula, values=lambda x, r, w: _difference(x[:, -1], r, w).mean(), refuse=True):
    """formula(difference, corrupted, clean), with the refusal that the exercise asks for."""

    def wrong(logits, answer_tokens, wrong_tokens, corrupted_logit_diff, clean_logit_diff):
        if refuse and corrupted_logit_diff == clean_logit_diff:
            raise ValueError("no way between them")
        difference = values(logits, answer_tokens, wrong_tokens)
        return formula(difference, corrupted_logit_diff, clean_logit_diff)

    return wrong


def _share(d, corrupted, clean):
    return (d - corrupted) / (clean - corrupted)


def _refuses_a_smaller_clean_lead(x, r, w, corrupted, clean):
    if clean <= corrupted:
        raise ValueError("no way up from corrupted to clean")
    return _share(_difference(x[:, -1], r, w).mean(), corrupted, clean)


day_metric = (
    Mistake(
        "clean-and-corrupted-swapped",
        _metric(lambda d, corrupted, clean: _share(d, clean, corrupted)),
        "clean and corrupted are the other way round: the clean run gets 0.",
        "corrupted_logit_diff is the point that gets 0. Also compare the order of your arguments with the "
        "stub's: corrupted comes before clean.",
    ),
    Mistake(
        "inverted",
        _metric(lambda d, corrupted, clean: (clean - corrupted) / (d - corrupted)),
        "numerator and denominator have changed places.",
        "The whole way, clean - corrupted, goes below the line.",
    ),
    Mistake(
        "no-baseline",
        _metric(lambda d, corrupted, clean: d / (clean - corrupted)),
        "the corrupted run's logit difference is not taken away above the line.",
        "The corrupted run must get 0: subtract corrupted_logit_diff first.",
    ),
    Mistake(
        "divided-by-clean",
        _metric(lambda d, corrupted, clean: (d - corrupted) / clean),
        "it divides by the clean run's logit difference alone.",
        "The clean run must get 1: divide by clean - corrupted.",
    ),
    Mistake(
        "not-divided",
        _metric(lambda d, corrupted, clean: d - corrupted),
        "this is the distance from the corrupted run, in logits; it is not divided by the whole way.",
        "Divide by clean_logit_diff - corrupted_logit_diff.",
    ),
    Mistake(
        "zero-is-clean",
        _metric(lambda d, corrupted, clean: (d - clean) / (clean - corrupted)),
        "it gives 0 for the clean run and -1 for the corrupted one.",
        "Subtract corrupted_logit_diff above the line.",
    ),
    Mistake(
        "today-and-tomorrow-swapped",
        _metric(lambda d, corrupted, clean: _share(-d, corrupted, clean)),
        "today and tomorrow are the other way round.",
        "Use your logits_to_ave_logit_diff_of_days: answer_tokens first.",
    ),
    Mistake(
        "per-prompt",
        _metric(_share, lambda x, r, w: _difference(x[:, -1], r, w)),
        "it gives one value for each prompt; a metric is one number.",
        "Use the mean logit difference.",
    ),
    Mistake(
        "clamped",
        _metric(lambda d, corrupted, clean: _share(d, corrupted, clean).clamp(0, 1)),
        "values below 0 and above 1 are cut off.",
        "A patch may do worse than the corrupted run or better than the clean one.",
    ),
    Mistake(
        "absolute-denominator",
        _metric(lambda d, corrupted, clean: (d - corrupted) / abs(clean - corrupted)),
        "the denominator has lost its sign.",
        "Leave abs out: the clean run must get 1 even where its logit difference is the smaller one.",
    ),
    Mistake(
        "refuses-a-smaller-clean-lead",
        _refuses_a_smaller_clean_lead,
        "it refuses a clean run whose logit difference is smaller than the corrupted one's.",
        "There is a scale then, too. Refuse only where the two are equal: ==.",
    ),
    Mistake(
        "never-refuses",
        _metric(
            lambda d, corrupted, clean: (d - corrupted) / (torch.as_tensor(clean) - corrupted), refuse=False
        ),
        "where both runs have the same logit difference it divides by zero; wanted a ValueError.",
        "if clean_logit_diff == corrupted_logit_diff: raise ValueError(...).",
    ),
    Mistake(
        "zero-instead-of-an-error",
        lambda x, r, w, corrupted, clean: (
            torch.tensor(0.0)
            if clean == corrupted
            else _share(_difference(x[:, -1], r, w).mean(), corrupted, clean)
        ),
        "where both runs have the same logit difference it gives 0, as if a patch had done nothing.",
        "There is no scale then. Say so: raise ValueError(...).",
    ),
)


def _parts(edit):
    """edit(parts, model, cache, r, w) -> the dictionary, wrong in some way."""

    def wrong(model, cache, answer_tokens, wrong_tokens):
        parts = specifications.decompose_logit_diff(model, cache, answer_tokens, wrong_tokens)
        return edit(dict(parts), model, cache, answer_tokens, wrong_tokens)

    return wrong


def _scale(cache):
    return cache["ln_final.hook_scale"][:, -1, 0]


def _scaled_by(factor):
    """All parts of the stream times factor(cache), the bias as it is."""

    def edit(parts, model, cache, r, w):
        return {n: part if n == "bias" else part * factor(cache) for n, part in parts.items()}

    return edit


def _at_position(pos):
    class Shifted:
        """A cache that is read at another position, the scale as well."""

        def __init__(self, cache):
            self.cache = cache

        def __getitem__(self, key):
            return self.cache[key][:, pos : pos + 1 if pos != -1 else None]

    return lambda parts, model, cache, r, w: specifications.decompose_logit_diff(model, Shifted(cache), r, w)


def _only_right(parts, model, cache, r, w):
    """Along the answer's column alone, without today's."""
    scale = cache["ln_final.hook_scale"][:, -1]
    names = {"attention": "attn_out", "mlps": "mlp_out"}

    def share(x):
        return ((x - x.mean(-1, keepdim=True)) / scale * model.W_U[:, r].T).sum(-1)

    stacks = {
        n: torch.stack([share(cache[a, layer][:, -1]) for layer in range(model.cfg.n_layers)])
        for n, a in names.items()
    }
    return {"embedding": share(cache["resid_pre", 0][:, -1]), **stacks, "bias": model.b_U[r]}


def _only_token_embedding(parts, model, cache, r, w):
    x, directions = cache["embed"][:, -1], (model.W_U[:, r] - model.W_U[:, w]).T
    centred = (x - x.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1]
    return parts | {"embedding": (centred * directions).sum(-1)}


def _accumulated(parts, model, cache, r, w):
    return parts | {name: parts[name].cumsum(0) for name in ("attention", "mlps")}


def _first_scale(cache):
    """Put right: the last position's scale; by mistake, that of position 0."""
    return _scale(cache) / cache["ln_final.hook_scale"][:, 0, 0]


decompose_logit_diff = (
    Mistake(
        "no-bias",
        _parts(lambda p, model, cache, r, w: p | {"bias": torch.zeros_like(p["bias"])}),
        "the bias is zero: b_U[answer] - b_U[today] is left out.",
        "It is the part that no vector of the stream writes. See the missing logits of chapter 3.",
    ),
    Mistake(
        "bias-sign",
        _parts(lambda p, model, cache, r, w: p | {"bias": -p["bias"]}),
        "the bias has the wrong sign.",
        "b_U of the answer less b_U of today.",
    ),
    Mistake(
        "bias-of-the-answer",
        _parts(lambda p, model, cache, r, w: p | {"bias": model.b_U[r]}),
        "the bias is the answer's alone.",
        "Take today's b_U away.",
    ),
    Mistake(
        "bias-over-scale",
        _parts(lambda p, model, cache, r, w: p | {"bias": p["bias"] / _scale(cache)}),
        "the bias is divided by the LayerNorm's scale.",
        "b_U is added after the LayerNorm: leave it as it is.",
    ),
    Mistake(
        "no-scale",
        _parts(_scaled_by(_scale)),
        "the final LayerNorm's scale is missing.",
        'Divide by cache["ln_final.hook_scale"] at the last position.',
    ),
    Mistake(
        "scale-of-the-first-position",
        _parts(_scaled_by(_first_scale)),
        "the LayerNorm's scale is that of the first position.",
        "Every position has its own scale: take the last one's.",
    ),
    Mistake(
        "today-and-tomorrow-swapped",
        _parts(lambda p, model, cache, r, w: {name: -part for name, part in p.items()}),
        "today and tomorrow are the other way round.",
        "The direction is W_U of the answer less W_U of today.",
    ),
    Mistake(
        "only-the-answer",
        _parts(_only_right),
        "this takes the answer's logit apart, not the logit difference.",
        "Project on W_U[:, answer] - W_U[:, today].",
    ),
    Mistake(
        "attention-and-mlps-swapped",
        _parts(lambda p, model, cache, r, w: p | {"attention": p["mlps"], "mlps": p["attention"]}),
        "the parts of attention and of the MLPs have changed places.",
        'attn_out belongs under "attention", mlp_out under "mlps".',
    ),
    Mistake(
        "accumulated",
        _parts(_accumulated),
        "each layer's part holds the layers before it, too.",
        "Use attn_out and mlp_out, what one layer writes, and not the stream.",
    ),
    Mistake(
        "first-position",
        _parts(_at_position(0)),
        "everything is read at the first position.",
        "The answer is predicted at the last one: [:, -1].",
    ),
    Mistake(
        "position-before-last",
        _parts(_at_position(-2)),
        "everything is read one position before the last.",
        "The answer is predicted at the last position: [:, -1].",
    ),
    Mistake(
        "embedding-left-out",
        _parts(lambda p, model, cache, r, w: {n: part for n, part in p.items() if n != "embedding"}),
        "the embedding's part is left out: the parts do not add up.",
        'What the stream holds before layer 0 counts, too: cache["resid_pre", 0], under "embedding".',
    ),
    Mistake(
        "positions-forgotten",
        _parts(_only_token_embedding),
        'the position embedding is missing from "embedding".',
        'cache["resid_pre", 0] is the stream before layer 0: tokens and positions together.',
    ),
    Mistake(
        "averaged",
        _parts(lambda p, model, cache, r, w: {name: part.mean(-1) for name, part in p.items()}),
        "the parts are averaged over the prompts; wanted one number for each prompt.",
        "Keep the batch axis: the caller averages.",
    ),
)
