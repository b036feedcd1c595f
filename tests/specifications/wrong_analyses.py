"""What chapter 3's exercises must compute: wrong analyses, mended."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook.tests.specifications.capitals_bias import along


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
        rows.append(along(model, cache, outputs, *answer_tokens.T).mean(-1))
    return torch.stack(rows)
