"""Patched runs against TransformerLens's: every sweep, several metrics, awkward models."""

import contextlib
import io
import warnings
from dataclasses import replace

import pytest
import torch
from transformer_lens import patching
from transformers import GPT2Config, GPT2LMHeadModel

from patchbook import load_model, zoo
from patchbook.checking.awkward import awkward_attn_only, awkward_model, random_tokens
from patchbook.models import shortformer
from patchbook.patching import sweeps
from patchbook.patching.arithmetic import SHORT, Arithmetic
from patchbook.patching.costs import CLOSE, Costs, Entry
from patchbook.patching.labelled import Labelled
from patchbook.patching.patches import Bench, Patch
from patchbook.patching.reading import Read, ReadLogits, ReadMore, what_is_read
from patchbook.patching.suffix import Run
from tests.project.test_shortformer import random_state

SWEEPS = sorted(name for name in dir(patching) if name.startswith("get_act_patch") and "direct" not in name)
LENGTH = 5
ROWS, ENDS, ANSWERS = torch.arange(3), torch.tensor([4, 2, 3]), torch.tensor([3, 4, 5])
METRICS = {
    "last": lambda logits: (logits[:, -1].gather(1, ANSWERS[:, None]) - logits[:, -1, 7:8]).mean(),
    "ends": lambda logits: (logits[ROWS, ENDS, ANSWERS] - logits[range(3), ENDS.tolist(), 9]).mean(),
    "all": lambda logits: logits.log_softmax(-1)[:, :, 5].mean(),
}
PER_PROMPT = {name: (lambda logits, end=end: logits[:, end, 3]) for name, end in (("end", -1), ("third", 2))}


def random_gpt2(folder):
    """GPT-2's architecture with random weights, loaded as gpt2-small is."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(zoo.ZOO / "tiny-gpt2").save_pretrained(folder)
    torch.manual_seed(0)
    shape = {"n_layer": 3, "n_head": 5, "n_embd": 20, "n_positions": 64, "vocab_size": 97}
    model = GPT2LMHeadModel(GPT2Config(bos_token_id=96, eos_token_id=96, **shape))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn_like(weight))
    model.save_pretrained(folder)
    return load_model(folder)


MODELS = {
    "tiny-gpt2": lambda folder: load_model("tiny-gpt2"),
    "tiny-attn-only": lambda folder: load_model("tiny-attn-only"),
    "awkward": lambda folder: awkward_model(1),
    "unfolded": lambda folder: unfolded(),
    "attention only": lambda folder: awkward_attn_only(0, dtype=torch.float64),
    "random GPT-2": random_gpt2,
    "shortformer": lambda folder: a_shortformer(),
}


def a_shortformer():
    from transformers import AutoTokenizer

    state = random_state(97)
    model = shortformer.build(state, AutoTokenizer.from_pretrained(zoo.ZOO / "tiny-gpt2")).eval()
    shortformer.add_positions(model, state["pos_embed.W_pos"])
    return model


def unfolded():
    """A model whose LayerNorms keep their weights."""
    from transformer_lens import TransformerBridge
    from transformer_lens.config import TransformerBridgeConfig

    sizes = {"n_layers": 2, "n_heads": 3, "d_model": 14, "d_head": 5, "d_mlp": 11, "n_ctx": 64, "d_vocab": 97}
    model = TransformerBridge.boot_native(
        TransformerBridgeConfig(**sizes, act_fn="relu", device="cpu")
    ).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * 0.4)
    return model


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    return MODELS[request.param](tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def awkward():
    return awkward_model(1, dtype=torch.float64, n_layers=2, n_heads=3)


@contextlib.contextmanager
def no_bars():
    """TransformerLens draws progress bars."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(action="ignore"), torch.no_grad():
        yield


def prompts(alike: int = 2):
    """Clean and corrupted prompts that begin alike."""
    clean, corrupted = random_tokens(3, 3, LENGTH), random_tokens(4, 3, LENGTH)
    clean[:, :alike] = corrupted[:, :alike]
    return clean, corrupted


def close(found, wanted):
    return (found - wanted).abs().max() <= 1e-5 * max(1, wanted.abs().max())


@pytest.mark.parametrize("length", [9, SHORT + 1])
def test_the_arithmetic_is_the_bridges(model, length):
    tokens = random_tokens(5, 3, length)
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        run = Run(Arithmetic.of(model), tokens)
        assert close(run.arithmetic.logits(run.stream[-1]), logits)
        for layer in range(model.cfg.n_layers):
            assert close(run.stream[layer], cache["resid_pre", layer])
            for place in "qkvz":
                assert close(getattr(run, place)[layer], cache[place, layer]), place
            pattern = run.arithmetic.pattern(run.q[layer], run.k[layer], run.positions)
            assert close(pattern, cache["pattern", layer])
            if run.arithmetic.rotary is None:
                normed, at = run.arithmetic.layers[layer].norm1(run.stream[layer]), run.positions[-2:]
                asked = run.arithmetic.ask(layer, run.q[layer][:, at], normed, at)
                assert close(asked, cache["z", layer][:, at])


def test_block_and_head_sweeps_are_transformer_lens(model):
    clean, corrupted = prompts()
    names = ["get_act_patch_attn_head_all_pos_every", "get_act_patch_resid_pre"]
    names += [] if model.cfg.attn_only else ["get_act_patch_block_every"]
    with no_bars():
        _, cache = model.run_with_cache(clean)
        for name in names:
            given = (model, corrupted, cache, METRICS["ends"])
            assert close(getattr(sweeps, name)(*given), getattr(patching, name)(*given)), name


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["get_act_patch_resid_pre", "get_act_patch_attn_head_k_all_pos"])
def test_any_metric_gives_transformer_lens_results(name, metric, awkward):
    clean, corrupted = prompts()
    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        given = (awkward, corrupted, cache, METRICS[metric])
        assert close(getattr(sweeps, name)(*given), getattr(patching, name)(*given))


@pytest.mark.parametrize("name", SWEEPS)
def test_there_is_every_sweep_of_transformer_lens(name, awkward):
    clean, corrupted = prompts(alike=3)
    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        given = (awkward, corrupted, cache, METRICS["ends"])
        found, wanted = getattr(sweeps, name)(*given), getattr(patching, name)(*given)
        assert found.shape == wanted.shape and close(found, wanted)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("get_act_patch_attn_head_by_pos_every", {"reduce": "none", "baseline": True}),
        ("get_act_patch_block_every", {"reduce": "mean"}),
        ("get_act_patch_mlp_out", {"reduce": "none"}),
        ("get_act_patch_mlp_out", {"baseline": True}),
    ],
)
def test_results_with_statistics_are_transformer_lens(name, options, awkward):
    clean, corrupted = prompts(alike=4)
    metric = PER_PROMPT if "reduce" in options else METRICS["last"]
    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        given = (awkward, corrupted, cache, metric)
        found = getattr(sweeps, name)(*given, **options)
        wanted = getattr(patching, name)(*given, **options)
    assert close(found.values, wanted.values)
    assert found.index_df.equals(wanted.index_df)
    for field in ("axis_names", "metric_names", "reduced", "has_metric_axis", "patch_type_names"):
        assert getattr(found, field) == getattr(wanted, field), field
    if wanted.baseline is not None:
        assert close(found.effect(), wanted.effect())


def test_a_patch_is_as_good_as_a_hooked_run(awkward):
    """One key of a pattern, one position of one head: by hand."""
    clean, corrupted = prompts(alike=0)
    patches = [
        Patch("pattern", 1, pos=4, head=2, key=1),
        Patch("v", 0, pos=3, head=1),
        Patch("mlp_out", 1, pos=2),
    ]

    def one_key(pattern, hook):
        pattern[:, 2, 4, 1] = cache[hook.name][:, 2, 4, 1]
        return pattern

    def one_value(v, hook):
        v[:, 3, 1] = cache[hook.name][:, 3, 1]
        return v

    def last_mlp(out, hook):
        out[:, 2] = cache[hook.name][:, 2]
        return out

    points = ("blocks.1.attn.hook_pattern", "blocks.0.attn.hook_v", "blocks.1.hook_mlp_out")
    hooks = zip(points, (one_key, one_value, last_mlp), strict=True)
    with torch.no_grad():
        _, cache = awkward.run_with_cache(clean)
        found = Bench(awkward, corrupted, METRICS["all"]).patched(patches, cache)
        for value, hook in zip(found, hooks, strict=True):
            assert close(value, METRICS["all"](awkward.run_with_hooks(corrupted, fwd_hooks=[hook])))


def test_only_what_a_metric_picks_is_read():
    logits = torch.randn(3, 6, 11)
    assert what_is_read(METRICS["last"], logits).pairs.nonzero().tolist() == [[0, 5], [1, 5], [2, 5]]
    found = what_is_read(METRICS["ends"], logits)
    assert found.pairs.nonzero().tolist() == [[0, 4], [1, 2], [2, 3]] and found.tokens.tolist() == [
        3,
        4,
        5,
        9,
    ]
    for metric in (
        METRICS["all"],
        torch.sum,
        lambda logits: logits[logits > 0].sum(),
        lambda logits: logits[..., 3],
    ):
        assert what_is_read(metric, logits).is_all


def test_unknown_logits_cannot_be_read():
    at_the_end = torch.zeros(3, 6, dtype=torch.bool)
    at_the_end[:, -1] = True
    logits = ReadLogits.over(torch.randn(3, 6, 11), Read(at_the_end))
    few = ReadLogits.over(torch.randn(3, 6, 11), Read(at_the_end, torch.tensor([2, 10])))
    assert few[ROWS, -1, [2, -1, 2]].shape == (3,)
    assert logits[:, -1].shape == (3, 11) and type(logits[:, -1]) is torch.Tensor
    assert logits.shape == (3, 6, 11) and len(logits) == 3 and logits.dtype == torch.float32
    for read in (
        lambda: few[:, -1],
        lambda: few[0, -1, 3],
        lambda: logits[:, 0],
        lambda: logits + 1,
        lambda: logits.sum(),
        lambda: [*logits],
    ):
        with pytest.raises(ReadMore):
            read()


def test_a_metric_that_changes_its_mind_gets_all_logits(awkward):
    """It reads the last position of the unpatched run, and of patched ones another."""
    clean, corrupted = prompts()
    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        end = awkward(corrupted)[:, -1]

        def metric(logits):
            return logits[:, -1, 3].mean() if torch.equal(logits[:, -1], end) else logits[:, 2, 3].mean()

        given = (awkward, corrupted, cache, metric)
        found, wanted = sweeps.get_act_patch_resid_pre(*given), patching.get_act_patch_resid_pre(*given)
    changed = wanted != wanted[0, 0]
    assert changed.any() and close(found[changed], wanted[changed])


def test_a_metric_may_keep_and_change_what_it_gets(awkward):
    clean, corrupted = prompts()
    kept = []

    def metric(logits):
        kept.append(logits[:, -1])
        kept[-1] *= 2
        return kept[-1][:, 3].mean() / 2

    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        found = sweeps.get_act_patch_resid_pre(awkward, corrupted, cache, metric)
        wanted = patching.get_act_patch_resid_pre(
            awkward, corrupted, cache, lambda logits: logits[:, -1, 3].mean()
        )
    assert close(found, wanted)


def test_what_the_weights_do_not_say_is_refused(awkward):
    clean, corrupted = prompts()
    with no_bars():
        _, cache = awkward.run_with_cache(clean)
        hook = ("blocks.1.hook_mlp_out", lambda out, hook: 0 * out)
        with awkward.hooks(fwd_hooks=[hook]), pytest.raises(ValueError, match="reset_hooks"):
            sweeps.get_act_patch_resid_pre(awkward, corrupted, cache, METRICS["last"])
        with pytest.raises(ValueError, match="'metric' gives the shape"):
            sweeps.get_act_patch_resid_pre(awkward, corrupted, cache, lambda logits: logits[:, -1, 3])
        with pytest.raises(ValueError, match="reduce is 'sum'"):
            sweeps.get_act_patch_resid_pre(awkward, corrupted, cache, METRICS["last"], reduce="sum")
        awkward.train()
        with pytest.raises(ValueError, match="evaluation"):
            sweeps.get_act_patch_resid_pre(awkward, corrupted, cache, METRICS["last"])
        awkward.eval()


def test_other_architectures_are_refused():
    model = awkward_model(0)
    model.cfg.act_fn = "solu"
    with pytest.raises(ValueError, match="act_fn is 'solu'"):
        Arithmetic.of(model)


def test_prompts_that_begin_alike_are_not_run_there(awkward):
    clean, corrupted = prompts(alike=3)
    with torch.no_grad():
        _, cache = awkward.run_with_cache(clean)
        bench = Bench(awkward, corrupted, METRICS["last"])
        by_pos = [Patch("resid_pre", layer, pos=pos) for layer in range(2) for pos in range(5)]
        assert [by_pos[i].pos for i in bench.entries(by_pos, cache)] == 2 * [3, 4]
        assert bench.entries([Patch("z", 1, head=0)], cache) == {0: Entry(1, 3, 2, after_attention=True)}
        assert not bench.entries(by_pos, awkward.run_with_cache(corrupted)[1])


def test_costs_are_those_of_a_hand_count():
    costs = Costs(3, 10, 2, 4, 40, 100, batch=2, length=6, read=1, pairs=2, asks=False, bytes_each=4)
    logits, query, mlp = 2 * 2 * 10 * 100, 2 * 10 * 8 + 2 * 8 * 10, 4 * 10 * 40
    made = 4 * 1 * 10 * 8 + 4 * 6 * 8  # one key and one value, and the query's look at six
    assert costs.row(Entry(2, 2, 1)) == 2 * (made + query + mlp) + logits
    not_made = 4 * 10 * 8 + 4 * 10 * 2 * 6  # four would cost more than to ask the stream
    assert costs.row(Entry(2, 2, 4)) == 2 * (not_made + query + mlp) + logits
    assert costs.row(Entry(2, 0, 6, after_attention=True)) == 2 * 4 * 10 * 40 + logits
    assert costs.row(Entry(3, 0, 6)) == logits
    assert costs.row(Entry(0, 5, 1)) < costs.row(Entry(0, 0, 6))


def test_small_models_pay_for_calls_and_large_ones_for_positions():
    small = Costs(3, 10, 2, 4, 40, 100, batch=2, length=6, read=1, pairs=2, asks=False, bytes_each=4)
    large = Costs(12, 768, 12, 64, 3072, 50257, batch=8, length=15, read=1, pairs=8, asks=True, bytes_each=4)
    entries = [Entry(0, start, 1) for start in range(6)]
    assert [len(items) for items, _ in small.batches(entries, lambda entry: entry)] == [6]
    assert [len(items) for items, _ in large.batches(entries, lambda entry: entry)] == 6 * [1]
    packs = [*large.packed(entries, lambda entry: entry)]
    assert sum(len(pack) for pack in packs) == 6 and len(packs) < 6


def test_batches_are_small_unless_the_weights_are_large():
    sizes = {"read": 1, "asks": False, "bytes_each": 4}
    small = Costs(4, 64, 6, 16, 256, 1000, batch=100, length=15, pairs=100, **sizes)
    large = Costs(12, 768, 12, 64, 3072, 50257, batch=8, length=15, pairs=8, **sizes)
    assert small.most == CLOSE and large.most == 4 * 12 * 768**2 / 2
    (batch, *others) = small.alike(range(50), Entry(0, 0, 15))
    assert len(batch) * small.room(Entry(0, 0, 15)) <= small.most and others
    asked = replace(large, asks=True)  # a vector of the stream's size for each head
    more = asked.room(Entry(0, 0, 15)) - large.room(Entry(0, 0, 15))
    assert more == 4 * 8 * 15 * (12 * 768 - 3072)


def test_results_say_what_they_are_and_draw_themselves():
    model = load_model("tiny-gpt2")
    clean, corrupted = prompts()
    corrupted[:, 0] = clean[:, 0] = 7
    with torch.no_grad():
        _, cache = model.run_with_cache(clean)
        by_pos = sweeps.get_act_patch_resid_pre(model, corrupted, cache, METRICS["last"])
        every = sweeps.get_act_patch_attn_head_all_pos_every(model, corrupted, cache, METRICS["last"])
    assert by_pos.axes == {"layer": ["0", "1", "2", "3"], "pos": [model.to_string(7), "1", "2", "3", "4"]}
    assert every.axes["patch_type"] == ["out", "q", "k", "v", "pattern"]
    assert not by_pos.is_inference() and type(by_pos * 2) is torch.Tensor
    figure = every.draw("Heads", "logit difference")
    assert figure.data[0].y[0] == "out, layer 0" and len(figure.data[0].y) == 20
    assert len(by_pos.draw("Stream").data[0].x) == 5
    labels, value = every.largest(1)[0]
    assert value == every.max() or value == every.min()
    assert len(labels) == 3
    with pytest.raises(ValueError, match="labels"):
        Labelled.made(torch.zeros(2, 3), {"layer": "01"})
