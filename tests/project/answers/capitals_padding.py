"""Answers to chapter 3: logits after prompts of different lengths."""

import torch

from . import Bank

BANK = Bank()


right, wrong = BANK.right, BANK.wrong


# left_padded_final_logits
@right("left_padded_final_logits")
def strings_on_the_left(model, prompts):
    return model(prompts, padding_side="left")[:, -1]


@right("left_padded_final_logits")
def one_at_a_time(model, prompts):
    return torch.stack([model(prompt)[0, -1] for prompt in prompts])


@right("left_padded_final_logits")
def right_padded_and_gathered(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="right")
    ends = [model.to_tokens(prompt).shape[1] - 1 for prompt in prompts]
    return model(tokens)[torch.arange(len(prompts)), ends]


@right("left_padded_final_logits")
def with_a_mask_by_length(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    mask = torch.zeros_like(tokens)
    for row, prompt in zip(mask, prompts, strict=True):
        row[-model.to_tokens(prompt).shape[1] :] = 1
    return model(tokens, attention_mask=mask)[:, -1]


@wrong("left_padded_final_logits", "no-mask")
def left_padded_tensor(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    return model(tokens)[:, -1]


@wrong("left_padded_final_logits", "tokens-without-a-mask")
def whatever_to_tokens_gives(model, prompts):
    return model(model.to_tokens(prompts))[:, -1]


@wrong("left_padded_final_logits", "padding-read")
def right_padded_tensor(model, prompts):
    return model(prompts, padding_side="right")[:, -1]


@wrong("left_padded_final_logits", "side-not-chosen")
def left_to_the_tokenizer(model, prompts):
    return model(prompts)[:, -1]


@wrong("left_padded_final_logits", "no-bos")
def mask_by_the_padding_token(model, prompts):
    tokens = model.to_tokens(prompts, padding_side="left")
    mask = (tokens != model.tokenizer.eos_token_id).int()
    return model(tokens, attention_mask=mask)[:, -1]


@wrong("left_padded_final_logits", "no-bos")
def nothing_in_front(model, prompts):
    return torch.cat([model(prompt, prepend_bos=False)[:, -1] for prompt in prompts])


@wrong("left_padded_final_logits", "sorted-by-length")
def short_ones_first(model, prompts):
    return one_at_a_time(model, sorted(prompts, key=lambda p: len(model.to_str_tokens(p))))


@wrong("left_padded_final_logits", "probabilities")
def softmaxed(model, prompts):
    return strings_on_the_left(model, prompts).softmax(-1)


@wrong("left_padded_final_logits", "changed-input")
def sets_the_tokenizer(model, prompts):
    model.tokenizer.padding_side = "left"
    return model(prompts)[:, -1]


@wrong("left_padded_final_logits", "each-prompt-once")
def rows_by_prompt(model, prompts):
    rows = {prompt: model(model.to_tokens(prompt))[0, -1] for prompt in prompts}
    return torch.stack(list(rows.values()))


@wrong("left_padded_final_logits", "all-positions")
def all_positions(model, prompts):
    return model(prompts, padding_side="left")
