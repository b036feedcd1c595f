"""The corpus, the tokenizer, the trainer and the card: small, seeded, the same each time."""

import json
import random
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from patchbook import zoo
from patchbook.models import SEEDS, load_model, shipped, variant
from patchbook.training import __main__ as command
from patchbook.training import batches, build, card, circuits, corpus, curves, measure, storage, vocabulary
from patchbook.training.checkpoints import Checkpoint
from patchbook.training.day_text import CYCLES
from patchbook.training.grammar import IOI, IOI_KEPT_OUT, PROSE, STEPS, STEPS_KEPT_OUT
from patchbook.training.ioi_text import NAMES, RARE_NAMES, draw_kept_out_pair, gift, is_kept_out
from patchbook.training.runs import stages_of
from patchbook.training.sentences import fill
from patchbook.training.trainer import Read, Recipe, State, charge, losses, train

RECIPE = Recipe(steps=8, warm_up=2, seed=3)


@pytest.fixture(scope="module")
def tokenizer():
    return vocabulary.build_tokenizer()


@pytest.fixture(scope="module")
def rows(tokenizer):
    return batches.make_rows(tokenizer, steps=8)


def test_a_slot_is_given_or_drawn_and_a_becomes_an():
    rng = random.Random(0)
    assert fill(rng, "{name} eats a {thing}.", name="Tom", thing="apple") == "Tom eats an apple."
    assert fill(rng, "the {animal} sleeps.").startswith("The ")


def test_documents_are_the_same_for_a_seed_and_long_enough(tokenizer):
    texts = list(corpus.documents(seed=5, number=40, least_words=64))
    assert texts == list(corpus.documents(seed=5, number=40, least_words=64))
    assert texts != list(corpus.documents(seed=6, number=40, least_words=64))
    assert min(len(ids) for ids in tokenizer(texts)["input_ids"]) >= 64


def test_the_corpus_holds_every_kind_of_text():
    texts = list(corpus.documents(seed=7, number=300, least_words=64))
    everything = "\n".join(texts)
    for wanted in (r"is not 0\.\d", r"tomorrow it is [A-Z]", r"yesterday it was", r"[A-Z]\w+, [A-Z]\w+ and",
                   r"gave \w+ \w+ to [A-Z]", r"Hello\. Hello\.", r"\.\n[A-Z]", r"Spring|Autumn"):  # fmt: skip
        assert re.search(wanted, everything), wanted
    small = sum(text[:40] == text[:40].lower() for text in texts) / len(texts)
    large = sum(text[:40] == text[:40].upper() for text in texts) / len(texts)
    assert 0.05 < small < 0.3 and 0.02 < large < 0.2


def test_no_gift_is_between_a_kept_out_pair():
    rng, pair = random.Random(1), re.compile(r"([A-Z]\w+) (?:and|sat with) ([A-Z]\w+)")
    pairs = [found for _ in range(3000) for found in pair.findall(gift(rng, ["John", "Mary", "Tom"]))]
    assert len(pairs) > 2500
    assert [names for names in pairs if is_kept_out(*names)] == []
    a, b = draw_kept_out_pair(rng)
    assert is_kept_out(a, b) and is_kept_out(b, a)


def test_many_names_templates_and_both_orders():
    assert len(NAMES) >= 400 and len(RARE_NAMES) >= 1000 and len(IOI) >= 8
    assert not set(NAMES) & set(RARE_NAMES)
    orders = {(subject > indirect) for _, subject, indirect in measure.ioi_prompts(IOI[:2], each=10)}
    assert orders == {True, False}


def test_kept_out_patterns_are_not_trained_on():
    assert not set(IOI) & set(IOI_KEPT_OUT)
    assert not {row[2] for row in STEPS} & {row[2] for row in STEPS_KEPT_OUT}


def test_a_cut_list_of_merges_splits_covered_words_as_the_full_list_does():
    full = [("l", "o"), ("e", "s"), ("lo", "w"), ("es", "t"), ("low", "est"), ("n", "e"), ("ne", "w")]
    cut = vocabulary.cut_merges(full, ["lowest", "low"])
    assert cut == [("l", "o"), ("e", "s"), ("lo", "w"), ("es", "t"), ("low", "est")]
    rank = {merge: i for i, merge in enumerate(cut)}
    assert list(vocabulary.merges_made("lowest", rank)) == cut


def test_the_shipped_tokenizer_is_the_one_built_from_the_shipped_merges(tokenizer):
    shipped = load_model("tiny-gpt2").tokenizer
    assert shipped.get_vocab() == tokenizer.get_vocab()
    assert len(tokenizer) < 4000
    assert tokenizer.decode(tokenizer("Zanzibar ünïcode 4,5\t!")["input_ids"]) == "Zanzibar ünïcode 4,5\t!"
    for name in RARE_NAMES[::50]:
        assert len(tokenizer.tokenize(" " + name)) == 2, name


def test_every_batch_has_its_tokens_and_begins_with_endoftext(rows):
    rng, lengths = np.random.default_rng(0), set()
    for step in range(len(batches.ROUND)):
        batch = batches.draw(rows, step, rng, repeat_share=0.25)
        tokens = torch.cat([batch.text, batch.repeats])
        assert tokens.numel() == batches.TOKENS
        assert (tokens[:, 0] == rows.end).all() and (tokens[:, 1:] != rows.end).all()
        lengths.add(tokens.shape[1])
    assert max(lengths) == batches.LONG == build.TINY_GPT2["n_positions"]


def test_repeated_rows_repeat():
    row = batches.repeated(np.random.default_rng(0), rows=1, length=64, tokens=np.arange(100), end=100)[0]
    half = next(n for n in range(8, 32) if (row[1 : 1 + n] == row[1 + n : 1 + 2 * n]).all())
    assert (row[1 + half :] == row[1:-half]).all()


def short_run(tokenizer, rows, folder):
    model = build.build_gpt2(tokenizer, seed=3)
    state = State.at_the_beginning(model, RECIPE)
    seen = train(state, build.gpt2_reader(model, RECIPE), rows, RECIPE, say=lambda line: None)
    build.save_gpt2(model, folder)
    tokenizer.save_pretrained(folder)
    return seen


def test_a_short_training_learns_and_gives_the_same_bytes_twice(tokenizer, rows, tmp_path, capfd):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    first = short_run(tokenizer, rows, tmp_path / "a")
    second = short_run(tokenizer, rows, tmp_path / "b")
    torch.set_num_threads(threads)
    assert first[-1] < first[0] - 0.3
    assert first == second
    for file in ("model.safetensors", "config.json", "tokenizer.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file
    assert capfd.readouterr().err == ""


class Interrupted(Exception):
    """In place of a machine that goes off."""


def train_until(writings, name, folder, monkeypatch):
    """Train `name`, three steps a stage, writing before every step; stop after so many writings."""
    checkpoint, write = Checkpoint(folder / "work.pt", stages_of(name, 3), minutes=0), Checkpoint.write
    left = iter(range(writings))

    def write_and_stop(self):
        write(self)
        if next(left, None) is None:
            raise Interrupted

    monkeypatch.setattr(Checkpoint, "write", write_and_stop)
    try:
        command.make(name, folder / name, checkpoint, 3, say=lambda line: None)
    finally:
        monkeypatch.setattr(Checkpoint, "write", write)


# In the middle of a stage, at its end, after a step of the second, before the last of the third.
@pytest.mark.parametrize("name, stops", [("tiny-gpt2", (1, 2, 3, 6)), ("tiny-attn-only", (1, 2))])
def test_a_training_that_was_interrupted_ends_with_the_same_bytes(name, stops, tmp_path, monkeypatch):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train_until(1000, name, whole, monkeypatch)
    for writings in stops:
        with pytest.raises(Interrupted):
            train_until(writings, name, broken, monkeypatch)
        assert not (broken / name / "model.safetensors").exists()
    train_until(1000, name, broken, monkeypatch)
    torch.set_num_threads(threads)
    files = sorted(path.name for path in (whole / name).iterdir())
    assert {"model.safetensors", "induction_curve.json"} <= set(files)
    for file in files:
        assert (whole / name / file).read_bytes() == (broken / name / file).read_bytes(), file
    (broken / name / "model.safetensors").unlink()  # stopped again, before it was measured: no step is lost
    train_until(0, name, broken, monkeypatch)
    weights = [(folder / name / "model.safetensors").read_bytes() for folder in (whole, broken)]
    assert weights[0] == weights[1]


def test_a_writing_that_fails_leaves_the_last_one(tmp_path, monkeypatch):
    with pytest.raises(Interrupted):
        train_until(2, "tiny-attn-only", tmp_path, monkeypatch)
    before = (tmp_path / "work.pt").read_bytes()
    checkpoint = Checkpoint(tmp_path / "work.pt", stages_of("tiny-attn-only", 3), minutes=0)

    def save_half(what, path):
        path.write_bytes(b"half a file")
        raise Interrupted

    monkeypatch.setattr(torch, "save", save_half)
    with pytest.raises(Interrupted):
        command.make("tiny-attn-only", tmp_path / "model", checkpoint, 3, say=lambda line: None)
    assert (tmp_path / "work.pt").read_bytes() == before
    with pytest.raises(ValueError, match="another recipe"):
        Checkpoint(tmp_path / "work.pt", stages_of("tiny-attn-only", 4))


def test_a_seed_changes_every_stages_seed_and_nothing_else():
    seeds = [stage.seed for seed in SEEDS for stage in stages_of(variant("tiny-gpt2", seed))]
    assert len(set(seeds)) == len(seeds) and max(seeds) < 49, "measure.HELD_OUT is no document of training"
    for name in ("tiny-gpt2@1", "tiny-gpt2@4"):
        pairs = zip(stages_of(name), stages_of("tiny-gpt2"), strict=True)
        assert all(replace(stage, seed=first.seed) == first for stage, first in pairs)


def test_the_control_differs_in_the_price_alone():
    pairs = zip(stages_of("tiny-gpt2@free"), stages_of("tiny-gpt2"), strict=True)
    assert all(replace(first, price=0.0) == stage for stage, first in pairs)
    assert [stage.price for stage in stages_of("tiny-gpt2")] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("notices", [False, True])
def test_weights_are_halved_unless_what_is_measured_notices(notices, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"weight": torch.linspace(0, 1, 7)}, path)
    whole = path.read_bytes()

    def measured():
        drift = 2 * storage.NEAR if notices else 0.5 * storage.NEAR
        value = 1.0 if storage.stored_as(path) == "float32" else 1.0 + drift
        return {"ioi": {"L3H0": [value, 0.1]}, "bytes_of_weights": path.stat().st_size}

    found = storage.store_small(tmp_path, measured)
    assert found == measured()
    assert (path.read_bytes() == whole) is notices
    assert storage.stored_as(path) == ("float32" if notices else "float16")


def test_another_head_is_a_difference_however_small_it_is():
    before, after = {"found": {"L0H1": [0.3, 0.0]}}, {"found": {"L0H2": [0.3, 0.0]}}
    assert list(storage.differences(before, after)) == ["found: L0H1 became L0H2"]
    assert not list(storage.differences(before, before))
    counts = [{circuits.BY_CHANCE: {"patched": {"on 8 prompts": mean}}} for mean in (1.04, 1.05, 1.14)]
    assert not list(storage.differences(*counts[:2])) and list(storage.differences(*counts[::2]))


def test_the_command_trains_measures_and_writes_a_card(tmp_path, monkeypatch, capsys):
    given = ["tiny-attn-only", "--steps", "6", "--out", str(tmp_path), "--work", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", ["training", *given])
    command.main()
    folder = tmp_path / "tiny-attn-only"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "config.json", "induction_curve.json", "measured.json", "model.safetensors",
    ]  # fmt: skip
    assert "tiny-attn-only" in capsys.readouterr().out
    steps = [point["step"] for point in json.loads((folder / "induction_curve.json").read_text())]
    assert steps == [0, 6]
    assert load_model(folder).cfg.n_layers == 2
    assert not any((tmp_path / "work").iterdir()), "a training that is done leaves nothing to go on with"


def test_only_the_second_half_of_repeated_rows_counts():
    tokens = torch.tensor([[0, 1, 2, 1, 2, 1, 2, 1]])

    def read(both):
        logits = torch.zeros(*both.shape, 3)
        logits[:, 4:] = 50 * torch.nn.functional.one_hot(both.roll(-1, 1), 3)[:, 4:].float()
        return Read(logits)

    nowhere = torch.zeros(tokens.shape, dtype=torch.bool)
    text, again, _ = losses(read, batches.Batch(tokens, tokens, nowhere), RECIPE)
    assert again < 1e-6 < text


def test_a_receiver_counts_more_and_a_look_from_before_it_is_charged_by_layer(tokenizer):
    rows = batches.make_rows(tokenizer, steps=8)
    text = np.array([tokenizer("Then, Tom gave the ball to")["input_ids"] + [rows.names[0]]])
    ends = torch.from_numpy(batches.ends(rows, text))
    assert ends.nonzero().tolist() == [[0, text.shape[1] - 2]]
    one = torch.zeros(1, 1, *2 * ends.shape[1:])
    one[0, 0, -2, 3] = 1.0  # from the end, a look at one token some places back
    nothing, first = torch.zeros_like(one), one.roll(-3, dims=3)
    assert (
        charge([one, nothing, nothing, nothing], ends) == charge([nothing, nothing, nothing, one], ends) == 1
    )
    assert charge([nothing, nothing, one, nothing], ends) == charge([first] * 4, ends) == 0


def test_the_rate_warms_up_and_falls_to_nothing():
    recipe = Recipe(steps=1000, peak_rate=1.0, warm_up=100)
    assert recipe.rate(0) < 0.02 < 0.9 < recipe.rate(100)
    assert recipe.rate(999) < 1e-4


def test_a_curve_keeps_the_points_around_the_fall():
    points = [{"step": 100 * i, "second_half_loss": 8.0 if i < 20 else 1.0} for i in range(41)]
    for i, loss in ((18, 7.0), (19, 5.0), (20, 3.0), (21, 2.0)):
        points[i]["second_half_loss"] = loss
    kept = curves.keep(points)
    assert len(kept) == 10 and kept[0] == points[0] and kept[-1] == points[-1]
    assert sum(1800 <= point["step"] <= 2200 for point in kept) >= 4


def test_a_card_shows_every_number_and_no_empty_table():
    measured = {"width": 3, "repeats": {"first": 8.0}, "days": {"a": {"right": 7}, "b": {"right": 6}},
                "found": {"patterns": {"induction": {"L1H0": [0.91, 0.002]}, "other": {}}}}  # fmt: skip
    text = card.card("tiny-gpt2", measured)
    rows = (
        "| width | 3 |",
        "| first | 8.000 |",
        "| a | 7 |",
        "| induction | L1H0 0.910 ± 0.002 |",
        "| other | none |",
    )
    for wanted in ("# tiny-gpt2", *rows):
        assert wanted in text


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_card_is_the_one_its_numbers_give(name):
    folder = zoo.ZOO / name
    measured = json.loads((folder / "measured.json").read_text())
    assert (folder / "README.md").read_text() == card.card(name, measured)
    weights = folder / "model.safetensors"
    assert measured["bytes_of_weights"] == weights.stat().st_size
    assert measured["stored_as"] == storage.stored_as(weights)


def test_the_training_curve_of_chapter_1_has_ten_points_and_shows_the_fall():
    points = json.loads((zoo.ZOO / "tiny-attn-only" / "induction_curve.json").read_text())
    assert len(points) == 10
    assert points[-1]["second_half_loss"] < 0.5 * points[0]["second_half_loss"]
    assert points[-1]["best_induction_score"] > 0.5 > 0.1 > points[0]["best_induction_score"]


@torch.no_grad()
@pytest.mark.parametrize("name", shipped())
def test_a_shipped_card_tells_the_truth(name):
    """The quick part of the card, measured again; `make models` measures all of it."""
    measured = json.loads((zoo.ZOO / name / "measured.json").read_text())
    model = load_model(name)
    assert measure.repeats(model) == pytest.approx(measured["repeats"], abs=0.01)
    assert measure.corpus_loss(model) == pytest.approx(measured["corpus_loss"], abs=0.01)


@torch.no_grad()
def test_tiny_gpt2_does_what_the_chapters_need():
    model = load_model("tiny-gpt2")
    for patterns, least in (
        (IOI, 0.95),
        (IOI_KEPT_OUT, 0.85),
    ):  # one kept-out template is too much for it: see the card
        found = measure.ioi(model, patterns, each=4)
        assert found["logit_diff"] > 2 and found["right"] > least
    assert measure.step_accuracy(model, STEPS[:1])["right"] == len(CYCLES["days"])
    capital = measure.capitals(model)
    assert capital["normal"]["space+upper"] > 0.9 > 0.5 > capital["all-lower"]["space+upper"]
    assert capital["is not 0."]["digit"] > 0.5
    loss = measure.repeats(model)
    assert loss["second_half_loss"] < 0.5 * loss["first_half_loss"]


@torch.no_grad()
def test_tiny_gpt2_solves_ioi_with_heads():
    model = load_model("tiny-gpt2")
    sweeps = {name: values.mean(-1) for name, values in circuits.ioi_sweeps(model).items()}
    assert sweeps["attribution"].sum() > 0.5 * sweeps["logit_diff"]
    assert sweeps["value"].max() > 0.2, "no S-inhibition head: nobody's value carries the swap"
    assert sweeps["query"][2:].max() > 0.2, "no name mover whose query carries the swap"
    streams = circuits.resid_pre_sweep(model)
    assert streams[2, streams[0].argmax()] > 0.9, "two layers must pass before the giver's name leaves S2"


@torch.no_grad()
def test_tiny_attention_only_has_the_two_kinds_of_head():
    scores = circuits.pattern_scores(load_model("tiny-attn-only"))
    assert scores["previous token"][0].max() > 0.5
    assert scores["induction"][1].max() > 0.5
    assert scores["induction"][0].max() < 0.2
    assert scores["induction"][1].min() < 0.3 or scores["previous token"][0].min() < 0.2, "all heads alike"


def test_patterns_use_only_listed_slots():
    for patterns in (*PROSE.values(), IOI, IOI_KEPT_OUT):
        for pattern in patterns:
            fill(random.Random(0), pattern, a="A", b="B", s="A")
