"""Gradients as learners take them, with one thing wrong. Nodes and edges share these ways."""

import torch

from patchbook.models.unfolded import run_graph
from patchbook.tests.specifications import messages


def gradients(model, tokens, metric, wrong, embedding=None):
    """The metric's gradient at every input, by name."""
    inputs = {}

    def read(name, stream):
        inputs[name] = stream if wrong.get("shared") else stream.clone()
        if wrong.get("cut"):
            inputs[name] = stream.detach().requires_grad_()
        return inputs[name]

    def write(name, output):
        if name != "embedding":
            return output
        return (output if embedding is None else embedding).detach().requires_grad_()

    with torch.enable_grad():
        logits, _ = run_graph(model, tokens, read, write)
        found = torch.autograd.grad(metric(logits), list(inputs.values()), allow_unused=True)
    zero = torch.zeros_like(next(iter(inputs.values())))
    return {name: zero if g is None else g for name, g in zip(inputs, found, strict=True)}


def run_of(model, tokens):
    return run_graph(model, tokens)[1]


def checked(clean_tokens, corrupted_tokens, wrong):
    """Both prompts. Raises ValueError where their lengths differ, or cuts the longer ones."""
    length = min(clean_tokens.shape[1], corrupted_tokens.shape[1])
    if wrong.get("shortened"):
        return clean_tokens[:, :length], corrupted_tokens[:, :length]
    if clean_tokens.shape != corrupted_tokens.shape:
        raise ValueError("two lengths")
    return clean_tokens, corrupted_tokens


def edge_slopes(model, clean_tokens, corrupted_tokens, metric, embedding=None, **wrong):
    """edge_attribution with one thing wrong."""
    clean_tokens, corrupted_tokens = checked(clean_tokens, corrupted_tokens, wrong)
    clean, corrupted = run_of(model, clean_tokens), run_of(model, corrupted_tokens)
    if wrong.get("swapped"):
        clean, corrupted, corrupted_tokens = corrupted, clean, clean_tokens
    tokens = clean_tokens if wrong.get("at_clean") else corrupted_tokens
    found = gradients(model, tokens, metric, wrong, embedding)
    scores = {}
    for label in messages.labels(model):
        sender, receiver = label.split(" -> ")
        scores[label] = one(clean[sender], corrupted[sender], found[receiver], wrong)
    return scores


def one(clean, corrupted, gradient, wrong):
    """The number of one edge or node."""
    change = clean - corrupted
    if wrong.get("sign"):
        change = -change
    if wrong.get("activation"):
        change = clean
    if wrong.get("own_activation"):
        change = corrupted
    products = change * gradient
    if wrong.get("last"):
        products = products[:, -1]
    score = products.sum().item()
    if wrong.get("absolute"):
        return abs(score)
    return score / len(clean) if wrong.get("divided") else score
