"""`patchbook verify`: on a stand-in whose figures are known, off by a little, and without a network."""

import copy
import hashlib
import json
import re
import socket
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from transformers import AutoTokenizer, GPT2LMHeadModel

from patchbook import models, zoo
from patchbook.cli import main
from patchbook.models import hub, load_model
from patchbook.prompts.ioi import published_prompts
from patchbook.tests.specifications.forward_pass import forward
from patchbook.verify import ioi as verify_ioi
from patchbook.verify import read_figures, recomputed
from patchbook.verify.capitals import kind_of
from patchbook.verify.rows import Row

PUBLISHED = (
    "b460afce899b147d3f0f43dd948f21f7"  # begins the digest of the figures as we took them from their sources
)
STAND_IN = "tiny-gpt2"


class StandIn:
    """tiny-gpt2 as transformers runs it: raw weights, no TransformerLens. It knows its figures by itself."""

    def __init__(self):
        folder = zoo.ZOO / STAND_IN
        with models.quietly():
            self.model = GPT2LMHeadModel.from_pretrained(folder).eval()
            self.tokenizer = AutoTokenizer.from_pretrained(folder)

    @torch.no_grad()
    def logits(self, prompt: str) -> torch.Tensor:
        """After the last token, less their mean: compatibility mode centres them."""
        ids = [self.tokenizer.bos_token_id, *self.tokenizer(prompt)["input_ids"]]
        last = self.model(torch.tensor([ids])).logits[0, -1]
        return last - last.mean()

    def id(self, text: str) -> int:
        return self.tokenizer(text)["input_ids"][0]

    def difference(self, prompt: str, right: str, wrong: str) -> float:
        logits = self.logits(prompt)
        return (logits[self.id(right)] - logits[self.id(wrong)]).item()

    def answer(self, prompt: str, answer: str) -> dict:
        logits = self.logits(prompt)
        logit = logits[self.id(answer)]
        rank, probability = int((logits > logit).sum()), logits.softmax(-1)[self.id(answer)].item()
        return {"prompt": prompt, "answer": answer, "rank": rank, "logit": logit.item(), "prob": probability}


def mean(values):
    return sum(values) / len(values)


def known_days(stand_in: StandIn, days: dict) -> dict:
    """The figures of the days as the stand-in gives them."""
    days, bridge = copy.deepcopy(days), load_model(STAND_IN)
    tomorrow, corrupted = days["tomorrow"], days["corrupted"]
    for part in (tomorrow, corrupted):
        triples = zip(part["prompts"], tomorrow["answers"], part["wrong"], strict=True)
        part["per_prompt"] = [stand_in.difference(*triple) for triple in triples]
    tomorrow["mean_true"], corrupted["mean"] = mean(tomorrow["per_prompt"]), mean(corrupted["per_prompt"])
    pairs = zip(tomorrow["answers"], tomorrow["wrong"], strict=True)
    biases = [(bridge.b_U[stand_in.id(a)] - bridge.b_U[stand_in.id(b)]).item() for a, b in pairs]
    tomorrow["mean_attributed_without_b_U"] = tomorrow["mean_true"] - mean(biases)
    days["single"] = [stand_in.answer(one["prompt"], one["answer"]) for one in days["single"]]
    return days


def known_capitals(stand_in: StandIn, capitals: dict) -> dict:
    capitals = copy.deepcopy(capitals)
    top = stand_in.logits(capitals["single"]["prompt"]).topk(10).indices.tolist()
    answers = [stand_in.answer(capitals["single"]["prompt"], stand_in.tokenizer.decode([i])) for i in top]
    capitals["single"]["top"] = [[a["answer"], a["logit"], a["prob"]] for a in answers]
    texts = [stand_in.tokenizer.decode([i]) for i in range(len(stand_in.tokenizer))]
    for prompt, kinds in capitals["types"].items():
        probabilities = stand_in.logits(prompt).softmax(-1)
        for kind in kinds:
            ids = [i for i, text in enumerate(texts) if kind_of(text) == kind]
            kinds[kind] = probabilities[ids].sum().item()
    eleven = capitals["eleven_token_prompts"]
    for column, name in ((1, "lower"), (2, "no_space"), (3, "no_space_lower")):
        rows = zip(eleven["prompts"], eleven["answers"], strict=True)
        each = [stand_in.difference(prompt, row[0], row[column]) for prompt, row in rows]
        eleven["logit_diff"][name] = {"per_prompt": each, "mean": mean(each)}
    nine = capitals["nine_token_prompts"]
    titles = [i for i, text in enumerate(texts) if re.match(" [A-Z]", text)]
    best = [titles[int(stand_in.logits(prompt)[titles].argmax())] for prompt in nine["prompts"]]
    nine["answers"] = [texts[i] for i in best]
    ragged = capitals["ragged_prompts_lower"]
    for i, (prompt, pair) in enumerate(zip(ragged["prompts"], ragged["answers"], strict=True)):
        if not prompt.startswith("("):
            ragged["per_prompt"][i] = stand_in.difference(prompt, *pair)
    return capitals


@torch.no_grad()
def known_ioi(stand_in: StandIn, ioi: dict) -> dict:
    """The published heads do not exist in a model of four layers: here are others in their place."""
    ioi, ds = copy.deepcopy(ioi), published_prompts(stand_in.tokenizer)
    each = [stand_in.difference(p.text, f" {p.IO}", f" {p.S}") for p in ds]
    ioi |= {"per_prompt_logit_diff": each, "mean_logit_diff": mean(each)}
    ioi["corrupted_mean_logit_diff"] = -mean(each)
    single = stand_in.answer(ioi["single"]["prompt"], ioi["single"]["answer"])
    john = stand_in.answer(ioi["single"]["prompt"], " John")["prob"]
    ioi["single"] = {**single, "john_prob": john}
    ioi["direct_logit_attribution_prompt0"] = {"L3H1": written_by(3, 1, ds), "L0H2": written_by(0, 2, ds)}
    ioi["heads"] = {"name_mover": [], "previous_token": []}
    return {name: value for name, value in ioi.items() if name != "paper"}


def written_by(layer: int, head: int, ds) -> float:
    """What a head writes to the first prompt's logit difference, from a forward pass of our own."""
    model, kept = load_model(STAND_IN), {}

    def keep(name, its_layer, activation):
        if (name, its_layer) == ("z", layer):
            kept["z"] = activation[0, -1, head]
        if (name, its_layer) == ("resid_post", model.cfg.n_layers - 1):
            kept["end"] = activation[0, -1]
        return activation

    forward(model, ds.toks[:1], keep)
    scale = (kept["end"].var(unbiased=False) + model.cfg.eps).sqrt()
    right, wrong = ds.answer_tokens[0]
    return (kept["z"] @ model.W_O[layer, head] / scale @ (model.W_U[:, right] - model.W_U[:, wrong])).item()


@pytest.fixture(scope="module")
def known() -> dict:
    """A file of figures that are true of the stand-in; without the paper's, which need its circuit."""
    figures, stand_in = read_figures(), StandIn()
    return {
        "capitals": known_capitals(stand_in, figures["capitals"]),
        "days": known_days(stand_in, figures["days"]),
    }


def verify(*arguments, figures: dict | None = None, folder: Path | None = None):
    if figures is not None:
        (folder / "figures.json").write_text(json.dumps(figures))
        arguments = (*arguments, "--figures", folder / "figures.json")
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


def test_figures_that_are_true_of_a_model_are_confirmed(known, tmp_path):
    done = verify("--model", STAND_IN, figures=known, folder=tmp_path)
    assert done.exit_code == 0, done.output
    assert "differs" not in done.output and "figures within tolerance; 3 left out." in done.output


@pytest.mark.parametrize(
    "section, change",
    [
        ("days", lambda f: f["tomorrow"].update(mean_true=f["tomorrow"]["mean_true"] + 0.03)),
        ("days", lambda f: f["tomorrow"].update(mean_attributed_without_b_U=f["tomorrow"]["mean_true"])),
        ("days", lambda f: f["single"][0].update(rank=f["single"][0]["rank"] + 1)),
        ("days", lambda f: f["corrupted"]["per_prompt"].reverse()),
        ("capitals", lambda f: f["nine_token_prompts"]["answers"].reverse()),
        ("capitals", lambda f: f["types"]["this is a sentence."].update(other=0.5)),
        ("capitals", lambda f: f["eleven_token_prompts"]["logit_diff"]["lower"].update(mean=0.0)),
    ],
)
def test_one_figure_that_is_off_is_named_and_fails(known, section, change, tmp_path):
    figures = copy.deepcopy({section: known[section]})
    change(figures[section])
    done = verify("--model", STAND_IN, figures=figures, folder=tmp_path)
    assert done.exit_code == 1 and "differs" in done.output and "Traceback" not in done.output


def only_ioi(figures: dict) -> dict:
    return {name: figures[name] for name in ("ioi", "induction_heads_on_random_repeats")}


def test_ioi_figures_agree_with_the_model_run_elsewhere():
    figures, stand_in = read_figures(), StandIn()
    known = known_ioi(stand_in, figures["ioi"]) | {"paper": figures["ioi"]["paper"]}
    figures["ioi"] = known
    rows = recomputed(load_model(STAND_IN), only_ioi(figures))
    ours = [row for row in rows if "paper" not in row.what and "heads" not in row.what]
    assert len(ours) == 8 + 2 + 4 + 2
    assert [row.what for row in ours if not row.within] == []


def test_heads_are_found_where_they_look():
    """Every head of layer 0 is asked for; as many are found as the model card's previous-token score says."""
    figures = read_figures()
    labels = [f"L0H{head}" for head in range(6)]
    figures["ioi"]["heads"] = {"previous_token": labels, "name_mover": ["L9H9"]}
    figures["induction_heads_on_random_repeats"] = ["L99H0"]
    rows = {row.what: row for row in recomputed(load_model(STAND_IN), only_ioi(figures))}
    previous = rows["previous_token heads that look from every token to the one before it"]
    assert previous.published == 6 and 1 <= previous.measured < 6
    assert rows["name_mover heads that look from end to IO"].measured == 0
    assert rows["induction heads on random repeats"].measured == 0
    assert rows["L9H9: direct attribution, first prompt"].verdict == "no such head"


def test_the_faithfulness_gap_is_smaller_for_a_larger_circuit(monkeypatch):
    """All heads where names stand and at the end keep most of the task, and none of them keeps nothing."""
    roles = ("IO", "S1", "S1+1", "S2", "end")
    monkeypatch.setattr(verify_ioi, "LOOKS", {role: (role,) for role in roles})
    model = load_model(STAND_IN)
    heads = [f"L{layer}H{head}" for layer in range(4) for head in range(6)]
    gaps = [verify_ioi._faithfulness(model, dict.fromkeys(roles, some), 0.46) for some in (heads, [])]
    everybody, nobody = (row.measured for row in gaps)
    assert everybody < 0.5 * nobody
    tokens = model.to_tokens("Today it is Sunday")
    torch.testing.assert_close(model(tokens), load_model(STAND_IN)(tokens), msg="it leaves the model changed")


def test_without_a_network_it_says_so_and_exits_with_3(monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError("the test has no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    hub.answers.cache_clear()
    done = verify()
    hub.answers.cache_clear()
    assert done.exit_code == 3
    assert "gpt2-small is not on this machine and the model hub does not answer" in done.output
    assert "Traceback" not in done.output and done.exception.__class__ is SystemExit


def test_an_unknown_model_is_not_reachable_either():
    assert verify("--model", "gpt3").exit_code == 3


def test_the_shipped_figures_are_the_published_ones():
    """Whoever corrects one names its source in the same change, and writes the new digest here."""
    text = json.dumps(read_figures(), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest().startswith(PUBLISHED)


@pytest.mark.parametrize(
    "measured, verdict",
    [(1.0, "ok"), (1.019, "ok"), (0.979, "differs"), (1.021, "differs"), (None, "not there")],
)
def test_a_verdict_is_about_the_tolerance(measured, verdict):
    row = Row("days", "x", 1.0, measured, "logit difference", "not there")
    assert row.verdict == verdict and row.within == (verdict == "ok")
