"""Answers to chapter 5: what every edge does, and what it would do by its gradient."""

import torch

from patchbook.models.unfolded import run_graph
from patchbook.patching.graph import Graph

from . import Bank

BANK = Bank()
right, wrong = BANK.right, BANK.wrong


def same_length(clean, corrupted):
    if clean.shape != corrupted.shape:
        raise ValueError("the prompts have different lengths")


def input_gradients(model, tokens, metric, keep=torch.clone, start=None):
    inputs = {}

    def read(name, stream):
        inputs[name] = keep(stream)
        return inputs[name]

    def write(name, output):
        output = output if start is None or name != "embedding" else start
        return output.detach().requires_grad_() if name == "embedding" else output

    with torch.enable_grad():
        logits, _ = run_graph(model, tokens, read, write)
        gradients = torch.autograd.grad(metric(logits), list(inputs.values()), allow_unused=True)
    return {
        name: torch.zeros_like(x) if g is None else g
        for (name, x), g in zip(inputs.items(), gradients, strict=True)
    }


def dot(change, gradient):
    return (change * gradient).sum().item()


def attribution(model, clean, corrupted, metric, at=None, product=dot, turn=1, keep=torch.clone, start=None):
    same_length(clean, corrupted)
    _, clean_writes = run_graph(model, clean)
    _, corrupted_writes = run_graph(model, corrupted)
    gradients = input_gradients(model, corrupted if at is None else at, metric, keep, start)
    return {
        edge.label: turn
        * product(
            clean_writes[edge.sender.label] - corrupted_writes[edge.sender.label],
            gradients[edge.receiver.label],
        )
        for edge in Graph.of(model).edges
    }


# edge_attribution
@right("edge_attribution")
def edge_by_edge(model, clean_tokens, corrupted_tokens, metric):
    return attribution(model, clean_tokens, corrupted_tokens, metric)


@right("edge_attribution")
def receiver_by_receiver(model, clean_tokens, corrupted_tokens, metric):
    if clean_tokens.shape[-1] != corrupted_tokens.shape[-1]:
        raise ValueError(f"{clean_tokens.shape} and {corrupted_tokens.shape}")
    clean, corrupted = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)[1]
    graph, scores = Graph.of(model), {}
    changes = torch.stack([clean[name] - corrupted[name] for name in clean])  # (sender, batch, pos, d_model)
    for receiver, gradient in input_gradients(model, corrupted_tokens, metric).items():
        for sender, score in zip(clean, (changes * gradient).sum((1, 2, 3)).tolist(), strict=True):
            scores[f"{sender} -> {receiver}"] = score
    return {edge.label: scores[edge.label] for edge in graph.edges}


@right("edge_attribution")
def by_adding_zeros(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    zeros = {}

    def read(name, stream):
        zeros[name] = torch.zeros_like(stream, requires_grad=True)
        return stream + zeros[name]

    _, clean = run_graph(model, clean_tokens)
    with torch.enable_grad():
        logits, corrupted = run_graph(model, corrupted_tokens, read)
        metric(logits).backward()
    scores = {}
    for edge in Graph.of(model).edges:
        change = clean[edge.sender.label] - corrupted[edge.sender.label].detach()
        scores[edge.label] = float((change * zeros[edge.receiver.label].grad).sum())
    return scores


@wrong("edge_attribution", "gradient-of-the-clean-run")
def clean_gradient(model, clean_tokens, corrupted_tokens, metric):
    return attribution(model, clean_tokens, corrupted_tokens, metric, at=clean_tokens)


@wrong("edge_attribution", "clean-and-corrupted-swapped")
def runs_swapped(model, clean_tokens, corrupted_tokens, metric):
    return attribution(model, corrupted_tokens, clean_tokens, metric)


@wrong("edge_attribution", "wrong-sign")
def sign_turned(*arguments):
    return attribution(*arguments, turn=-1)


@wrong("edge_attribution", "shared-input")
def stream_itself(*arguments):
    return attribution(*arguments, keep=lambda stream: stream)


@wrong("edge_attribution", "overwritten")
def detached_inputs(*arguments):
    return attribution(*arguments, keep=lambda stream: stream.detach().requires_grad_())


@wrong("edge_attribution", "last-position-only")
def end_alone(*arguments):
    return attribution(*arguments, product=lambda change, gradient: dot(change[:, -1], gradient[:, -1]))


@wrong("edge_attribution", "all-pairs")
def everything_to_everything(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    clean, corrupted = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)[1]
    gradients = input_gradients(model, corrupted_tokens, metric)
    return {
        f"{sender} -> {receiver}": dot(clean[sender] - corrupted[sender], gradient)
        for sender in clean
        for receiver, gradient in gradients.items()
    }


@wrong("edge_attribution", "raised")
def without_autograd(model, clean_tokens, corrupted_tokens, metric):
    same_length(clean_tokens, corrupted_tokens)
    inputs = {}
    logits, _ = run_graph(model, corrupted_tokens, lambda name, x: inputs.setdefault(name, x.clone()))
    torch.autograd.grad(metric(logits), list(inputs.values()))
    return {}


@wrong("edge_attribution", "autograd-left-on")
def turned_on(*arguments):
    scores = edge_by_edge(*arguments)
    torch.set_grad_enabled(True)
    return scores


@wrong("edge_attribution", "lengths-ignored")
def lengths_ignored(model, clean_tokens, corrupted_tokens, metric):
    length = min(clean_tokens.shape[1], corrupted_tokens.shape[1])
    return attribution(model, clean_tokens[:, :length], corrupted_tokens[:, :length], metric)


# edge_patching
def patching(model, clean, corrupted, metric, edges, heard=None, minus=True, matches=None):
    same_length(clean, corrupted)
    _, clean_writes = run_graph(model, clean)
    logits, corrupted_writes = run_graph(model, corrupted)
    heard = heard or (lambda stream, new, old: stream + new - old)
    matches = matches or (lambda name, receiver: name == receiver)
    effects = {}
    for label in edges:
        sender, receiver = label.split(" -> ")

        def read(name, stream, sender=sender, receiver=receiver):
            if not matches(name, receiver):
                return stream
            return heard(stream, clean_writes[sender], corrupted_writes[sender])

        value = metric(run_graph(model, corrupted, read=read)[0])
        effects[label] = (value - metric(logits) if minus else value).item()
    return effects


@right("edge_patching")
def a_run_for_each_edge(model, clean_tokens, corrupted_tokens, metric, edges):
    return patching(model, clean_tokens, corrupted_tokens, metric, edges)


@right("edge_patching")
def with_edge_objects(model, clean_tokens, corrupted_tokens, metric, edges):
    same_length(clean_tokens, corrupted_tokens)
    graph = Graph.of(model)
    clean, (logits, old) = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)

    def effect(edge):
        change = clean[edge.sender.label] - old[edge.sender.label]
        own = edge.receiver.label
        patched, _ = run_graph(
            model, corrupted_tokens, lambda name, x: torch.where(torch.tensor(name == own), x + change, x)
        )
        return float(metric(patched)) - float(metric(logits))

    return {label: effect(graph.edge(label)) for label in edges}


@right("edge_patching")
def all_as_one_batch(model, clean_tokens, corrupted_tokens, metric, edges):
    same_length(clean_tokens, corrupted_tokens)
    clean, (logits, old) = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)
    batch = len(corrupted_tokens)

    def read(name, stream):
        stream = stream.clone()
        for row, label in enumerate(edges):
            sender, receiver = label.split(" -> ")
            if name == receiver:
                stream[row * batch : (row + 1) * batch] += clean[sender] - old[sender]
        return stream

    patched, _ = run_graph(model, corrupted_tokens.repeat(len(edges), 1), read)
    values = [metric(row) - metric(logits) for row in patched.split(batch)]
    return {label: value.item() for label, value in zip(edges, values, strict=True)}


@wrong("edge_patching", "clean-and-corrupted-swapped")
def noising(model, clean_tokens, corrupted_tokens, metric, edges):
    return patching(model, corrupted_tokens, clean_tokens, metric, edges)


@wrong("edge_patching", "no-baseline")
def patched_metric(*arguments):
    return patching(*arguments, minus=False)


@wrong("edge_patching", "other-senders-lost")
def message_alone(*arguments):
    return patching(*arguments, heard=lambda stream, new, old: new)


@wrong("edge_patching", "heard-twice")
def message_added(*arguments):
    return patching(*arguments, heard=lambda stream, new, old: stream + new)


@wrong("edge_patching", "message-turned")
def old_less_new(*arguments):
    return patching(*arguments, heard=lambda stream, new, old: stream + old - new)


@wrong("edge_patching", "all-inputs-of-a-head")
def letter_forgotten(*arguments):
    return patching(*arguments, matches=lambda name, receiver: name.split(".")[0] == receiver.split(".")[0])


@wrong("edge_patching", "node-patched")
def whole_output(model, clean_tokens, corrupted_tokens, metric, edges):
    same_length(clean_tokens, corrupted_tokens)
    clean, base = run_graph(model, clean_tokens)[1], metric(model(corrupted_tokens))
    senders = {label: label.split(" -> ")[0] for label in edges}
    return {
        label: (
            metric(
                run_graph(model, corrupted_tokens, write=lambda n, x, s=sender: clean[s] if n == s else x)[0]
            )
            - base
        ).item()
        for label, sender in senders.items()
    }


@wrong("edge_patching", "estimated")
def gradient_instead(model, clean_tokens, corrupted_tokens, metric, edges):
    scores = attribution(model, clean_tokens, corrupted_tokens, metric)
    return {label: scores[label] for label in edges}


@wrong("edge_patching", "ready-made")
def engine_called(model, clean_tokens, corrupted_tokens, metric, edges):
    from patchbook.patching.edges import edge_effects

    same_length(clean_tokens, corrupted_tokens)
    scores = edge_effects(model, clean_tokens, corrupted_tokens, metric)
    return {label: scores.of(label) for label in edges}


# edge_attribution_ig
def integrated(model, clean, corrupted, metric, steps, shares=None, total=False, **wrong):
    same_length(clean, corrupted)
    start, end = run_graph(model, corrupted)[1]["embedding"], run_graph(model, clean)[1]["embedding"]
    shares = [(i + 0.5) / steps for i in range(steps)] if shares is None else shares
    runs = [
        attribution(model, clean, corrupted, metric, start=start + share * (end - start), **wrong)
        for share in shares
    ]
    return {label: sum(run[label] for run in runs) / (1 if total else len(runs)) for label in runs[0]}


@right("edge_attribution_ig")
def mean_of_runs(model, clean_tokens, corrupted_tokens, metric, steps):
    return integrated(model, clean_tokens, corrupted_tokens, metric, steps)


@right("edge_attribution_ig")
def gradients_averaged_first(model, clean_tokens, corrupted_tokens, metric, steps):
    same_length(clean_tokens, corrupted_tokens)
    clean, corrupted = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)[1]
    mean = {}
    for share in torch.linspace(0, 1, 2 * steps + 1)[1::2].tolist():
        mix = (1 - share) * corrupted["embedding"] + share * clean["embedding"]
        for name, gradient in input_gradients(model, clean_tokens, metric, start=mix).items():
            mean[name] = mean.get(name, 0) + gradient / steps
    return {
        edge.label: dot(clean[edge.sender.label] - corrupted[edge.sender.label], mean[edge.receiver.label])
        for edge in Graph.of(model).edges
    }


@right("edge_attribution_ig")
def one_large_batch(model, clean_tokens, corrupted_tokens, metric, steps):
    same_length(clean_tokens, corrupted_tokens)
    clean, corrupted = run_graph(model, clean_tokens)[1], run_graph(model, corrupted_tokens)[1]
    way = clean["embedding"] - corrupted["embedding"]
    mix = torch.cat([corrupted["embedding"] + (i + 0.5) / steps * way for i in range(steps)])

    def mean_metric(logits):
        return torch.stack([metric(part) for part in logits.split(len(clean_tokens))]).mean()

    gradients = input_gradients(model, clean_tokens.repeat(steps, 1), mean_metric, start=mix)
    return {
        edge.label: dot(
            (clean[edge.sender.label] - corrupted[edge.sender.label]).repeat(steps, 1, 1),
            gradients[edge.receiver.label],
        )
        for edge in Graph.of(model).edges
    }


@wrong("edge_attribution_ig", "left-ends")
def from_the_left(*arguments):
    steps = arguments[-1]
    return integrated(*arguments, shares=[i / steps for i in range(steps)])


@wrong("edge_attribution_ig", "right-ends")
def from_the_right(*arguments):
    steps = arguments[-1]
    return integrated(*arguments, shares=[(i + 1) / steps for i in range(steps)])


@wrong("edge_attribution_ig", "both-ends")
def linspace(*arguments):
    return integrated(*arguments, shares=torch.linspace(0, 1, arguments[-1]).tolist())


@wrong("edge_attribution_ig", "one-gradient")
def no_steps(*arguments):
    return attribution(*arguments[:-1])


@wrong("edge_attribution_ig", "summed")
def total(*arguments):
    return integrated(*arguments, total=True)


@wrong("edge_attribution_ig", "wrong-sign")
def turned(*arguments):
    return integrated(*arguments, turn=-1)


@wrong("edge_attribution_ig", "shared-input")
def one_stream(*arguments):
    return integrated(*arguments, keep=lambda stream: stream)


@wrong("edge_attribution_ig", "autograd-left-on")
def left_on(*arguments):
    scores = mean_of_runs(*arguments)
    torch.set_grad_enabled(True)
    return scores
