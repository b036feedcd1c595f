"""What the exercises of chapter 3 must compute: types of tokens, missing logits, padding, mended code."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import ActivationCache, TransformerBridge

TYPES = (
    "space+upper",
    "space+lower",
    "space+numeral",
    "no-space+upper",
    "no-space+lower",
    "no-space+numeral",
    "other",
)


def capitalisation_type(str_token: str) -> str:
    """The first character after at most one space decides."""
    space = "space" if str_token[:1] == " " else "no-space"
    first = str_token[1:2] if space == "space" else str_token[:1]
    kinds = {"upper": first.isupper(), "lower": first.islower(), "numeral": first.isnumeric()}
    return next((f"{space}+{kind}" for kind, fits in kinds.items() if fits), "other")


def texts_of_tokens(model: TransformerBridge) -> list[str]:
    """The text of every token. (One by one with `tokenizer.decode` would be the same, and slow.)"""
    rows = [[token] for token in range(model.cfg.d_vocab)]
    return model.tokenizer.backend_tokenizer.decode_batch(rows, skip_special_tokens=False)


def cumul_probs_by_capitalisation_type(
    logits: Float[Tensor, "batch pos d_vocab"], model: TransformerBridge
) -> dict[str, float]:
    """Every token's mean probability at the last position, added to the sum of its type."""
    probabilities = logits[:, -1].softmax(-1).mean(0).tolist()
    sums = dict.fromkeys(TYPES, 0.0)
    for text, probability in zip(texts_of_tokens(model), probabilities, strict=True):
        sums[capitalisation_type(text)] += probability
    return sums


def titleword_answer_generator(
    logits: Float[Tensor, "batch pos d_vocab"], model: TransformerBridge
) -> list[list[str | None]]:
    """The likeliest token of type space+upper after each prompt, and its three other spellings."""
    texts = texts_of_tokens(model)
    capitals = [i for i, text in enumerate(texts) if capitalisation_type(text) == "space+upper"]
    answers = []
    for prompt in logits:
        word = texts[max(capitals, key=lambda i: prompt[-1, i].item())].removeprefix(" ")
        variants = (" " + word, " " + word.lower(), word, word.lower())
        answers.append([v if _is_one_token(model, v) else None for v in variants])
    return answers


def _is_one_token(model: TransformerBridge, text: str) -> bool:
    return len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) == 1


def logits_to_ave_logit_diff_by_type(
    logits: Float[Tensor, "batch pos d_vocab"],
    answer_tokens: Int[Tensor, "batch 4"],
    incorrect_idx: int,
    per_prompt: bool = False,
) -> Float[Tensor, "*batch"]:
    """Logit of column 0 less that of the column asked for, at the last position."""
    rows = zip(logits, answer_tokens.tolist(), strict=True)
    differences = torch.stack([prompt[-1, row[0]] - prompt[-1, row[incorrect_idx]] for prompt, row in rows])
    return differences if per_prompt else differences.mean()


def _along(
    model: TransformerBridge, cache: ActivationCache, vectors: Tensor, right: Tensor, wrong: Tensor
) -> Float[Tensor, "*components batch"]:
    """What vectors at the last position add to each prompt's logit difference."""
    if model.cfg.normalization_type is not None:
        vectors = (vectors - vectors.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, -1]
    return torch.einsum("...bm,mb->...b", vectors, model.W_U[:, right] - model.W_U[:, wrong])


def missing_logits(
    model: TransformerBridge, tokens: Int[Tensor, "batch seq"], answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch"]:
    """The model's own logit difference less what its final residual stream accounts for."""
    logits, cache = model.run_with_cache(tokens)
    right, wrong = answer_tokens.T
    rows = torch.arange(len(tokens))
    true = logits[rows, -1, right] - logits[rows, -1, wrong]
    return true - _along(model, cache, cache["resid_post", -1][:, -1], right, wrong)


def logit_diff_from_bias(
    model: TransformerBridge, answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "batch"]:
    """b_U of the right token less b_U of the wrong one."""
    return torch.stack([model.b_U[right] - model.b_U[wrong] for right, wrong in answer_tokens.tolist()])


def left_padded_final_logits(model: TransformerBridge, prompts: list[str]) -> Float[Tensor, "batch d_vocab"]:
    """One prompt at a time, so that nothing is padded."""
    return torch.cat([model(model.to_tokens(prompt))[:, -1] for prompt in prompts])


def logit_attribution_by_type(
    model: TransformerBridge,
    cache: ActivationCache,
    answer_tokens: Int[Tensor, "batch 4"],
    incorrect_idx: int,
) -> dict[str, Tensor]:
    """Mean share of each part in the logit difference; "biases" holds b_O, through the scale, and b_U."""
    right, wrong = answer_tokens[:, 0], answer_tokens[:, incorrect_idx]

    def share(vectors: Tensor) -> Tensor:
        return _along(model, cache, vectors, right, wrong).mean(-1)

    layers, heads = range(model.cfg.n_layers), range(model.cfg.n_heads)
    written = [[cache["z", i][:, -1, h] @ model.W_O[i, h] for h in heads] for i in layers]
    mlps = model.W_U.new_zeros(len(layers))
    if not model.cfg.attn_only:
        mlps = torch.stack([share(cache["mlp_out", i][:, -1]) for i in layers])
    b_O = sum(model.b_O[i] for i in layers).expand(len(answer_tokens), -1)
    return {
        "embedding": share(cache["resid_pre", 0][:, -1]),
        "heads": torch.stack([torch.stack([share(head) for head in row]) for row in written]),
        "mlps": mlps,
        "biases": share(b_O) + (model.b_U[right] - model.b_U[wrong]).mean(),
    }


def corrupt_capitalisation(prompts: list[str]) -> list[str]:
    """Each prompt with its first letter made small, and nothing else changed."""
    return [prompt[:1].lower() + prompt[1:] for prompt in prompts]


def normalize_patched_logit_diff(
    patched_logit_diff: Float[Tensor, "*shape"], clean_logit_diff: float, corrupted_logit_diff: float
) -> Float[Tensor, "*shape"]:
    """0 where patching changed nothing, 1 where it brought all of the clean difference back."""
    return (patched_logit_diff - corrupted_logit_diff) / (clean_logit_diff - corrupted_logit_diff)


def mend_second_best(model: TransformerBridge, prompts: list[str]) -> list[str]:
    """The likeliest next token after each prompt, as text."""
    best = [model(model.to_tokens(prompt))[0, -1].argmax().item() for prompt in prompts]
    return [model.tokenizer.decode([token]) for token in best]


def mend_model_on_answers(
    model: TransformerBridge, prompts: list[str], answers: list[tuple[str, str]]
) -> Float[Tensor, "batch"]:
    """After each prompt: the logit of its right answer less that of its wrong one."""
    differences = []
    for prompt, pair in zip(prompts, answers, strict=True):
        right, wrong = (model.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in pair)
        logits = model(model.to_tokens(prompt))[0, -1]
        differences.append(logits[right] - logits[wrong])
    return torch.stack(differences)


def mend_stale_cache(
    model: TransformerBridge, prompt_sets: list[Tensor], answer_tokens: Int[Tensor, "batch 2"]
) -> Float[Tensor, "prompt_set layer"]:
    """What each layer's attention writes to the mean logit difference, for each set from its own run."""
    rows = []
    for tokens in prompt_sets:
        _, cache = model.run_with_cache(tokens)
        outputs = torch.stack([cache["attn_out", i][:, -1] for i in range(model.cfg.n_layers)])
        rows.append(_along(model, cache, outputs, *answer_tokens.T).mean(-1))
    return torch.stack(rows)
