"""The model in the book's pages says what the Python engine says; its bundle is that of its sources."""

import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from transformer_lens import TransformerBridge

from patchbook import load_model
from patchbook.patching import paths, sweeps
from patchbook.patching.attribution import accumulated_logit_diff, decompose_logit_diff
from patchbook.prompts.ioi import IOIDataset
from patchbook.training.vocabulary import build_tokenizer
from tests.project.browser import Browser
from tests.project.drawing import some
from tests.project.events import until
from tests.project.live_page import BUNDLE, ROOT, asked, prepare, served

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import live
import live_weights

CLOSE = 1e-3  # logits
LARGEST = 60_000  # bytes of the bundle
SWEPT = {  # a name of the Python engine -> (places, axes)
    "get_act_patch_block_every": (("resid_pre", "attn_out", "mlp_out"), ("layer", "pos")),
    "get_act_patch_resid_mid": (("resid_mid",), ("layer", "pos")),
    "get_act_patch_attn_head_all_pos_every": (("z", "q", "k", "v", "pattern"), ("layer", "head")),
    "get_act_patch_attn_head_out_by_pos": (("z",), ("layer", "pos", "head")),
}
RECEIVERS = [(3, 0), (3, 4), (2, 4)]
TEXTS = (
    "When Mary and John went to the park, John gave a ball to",
    "it's 0.5, they'll SAY:  “naïve”…\n\n\tend  ",
    "<|endoftext|>two<|endoftext|> texts 🙂",
    "  ",
    "",
)


@dataclass(frozen=True)
class Prompts:
    """Prompts of one length, and what they are patched from. Tokens are (batch, pos)."""

    tokens: Tensor
    other: Tensor
    answers: Tensor  # (batch, 2)

    def __len__(self) -> int:
        return len(self.tokens)

    def score(self, logits: Tensor) -> Tensor:
        """Both answers' logits, (batch, 2)."""
        return logits[:, -1].gather(1, self.answers)


def prompt_sets(model: TransformerBridge) -> Iterator[Prompts]:
    """Fifty prompts: two people and a gift, days, capitals, random tokens said twice."""
    ioi = IOIDataset("ABBA", N=4, tokenizer=model.tokenizer, seed=0, templates=[TEMPLATE])
    flipped = ioi.gen_flipped_prompts("ABB->ABA, BAB->BAA")
    yield Prompts(ioi.toks, flipped.toks, ioi.answer_tokens)
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday") * 5
    yield written(
        model,
        [
            (
                f"Today is {days[i]}. Tomorrow is",
                f"Today is {days[i + 2]}. Tomorrow is",
                f" {days[i + 1]}",
                f" {days[i + 3]}",
            )
            for i in range(30)
        ],
    )
    words = ("The", "My", "This", "Our") * 3
    yield written(
        model,
        [
            (f"{word} cat went to the {place}.", f"{word.lower()} cat went to the {place}.", " The", " the")
            for word, place in zip(words, ("park", "store", "house") * 4, strict=True)
        ],
    )
    rng = random.Random(0)
    halves = [[rng.choices(range(300, 3000), k=4) for _ in range(4)] for _ in range(2)]
    bos = model.tokenizer.bos_token_id
    tokens, other = (torch.tensor([[bos, *half, *half[:3]] for half in rows]) for rows in halves)
    yield Prompts(tokens, other, torch.stack([tokens[:, 4], tokens[:, 1]], dim=1))


TEMPLATE = "When {first} and {second} went to the {place}, {giver} gave a {object} to"


def written(model: TransformerBridge, rows: list[tuple[str, str, str, str]]) -> Prompts:
    """Rows of (prompt, other prompt, right answer, wrong answer)."""
    tokens, other = (torch.cat([model.to_tokens(row[i]) for row in rows]) for i in (0, 1))
    answers = [[model.to_single_token(row[2]), model.to_single_token(row[3])] for row in rows]
    return Prompts(tokens, other, torch.tensor(answers))


@dataclass(frozen=True)
class Page:
    """The blank page, open in a browser."""

    browser: Browser

    def asks(self, tasks: list[tuple[str, dict]], model: str = "tiny-gpt2") -> list:
        return asked(self.browser, model, tasks)


@pytest.fixture(scope="module")
def models() -> dict[str, TransformerBridge]:
    return {name: load_model(name) for name in live_weights.MODELS}


@pytest.fixture(scope="module")
def page(models, tmp_path_factory) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("live")
    prepare(folder)
    for name, model in models.items():
        live_weights.write(folder, name, model)
    for name in live.FIGURES:
        (folder / f"{name}.html").write_text(FIGURE.format(name=name), encoding="utf-8")
    with served(folder) as address, Browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.open(f"{address}/index.html")
        yield Page(browser)


def farthest(ours: Tensor, theirs: Tensor) -> float:
    assert ours.shape == theirs.shape
    return (ours - theirs).abs().max().item()


def table(answer: dict) -> Tensor:
    return torch.tensor(answer["data"]).view(answer["shape"])


def test_fifty_prompts_and_every_sweep_agree_with_python(page, models, capsys):
    model, sets = models["tiny-gpt2"], [*prompt_sets(models["tiny-gpt2"])]
    assert sum(map(len, sets)) == 50
    found: dict[str, float] = {}
    for prompts in sets:
        with torch.no_grad():
            wanted = python_says(model, prompts)
        for i in some(range(len(prompts)), 6):
            answers = page.asks(tasks_for(prompts, i, model))
            said = dict(zip(wanted, map(as_tensor, answers), strict=True))
            for name, values in wanted.items():
                found[name] = max(found.get(name, 0), farthest(said[name], values[i]))
    with capsys.disabled():
        print()
        for name, value in found.items():
            print(f"{name:45} {value:.1e}")
    assert max(found.values()) < CLOSE, found


def python_says(model: TransformerBridge, prompts: Prompts) -> dict[str, Tensor]:
    """Everything by name, prompts first; the last axis of a sweep is the two answers."""
    both = {"right": lambda x: prompts.score(x)[:, 0], "wrong": lambda x: prompts.score(x)[:, 1]}
    new, orig = SimpleNamespace(toks=prompts.other), SimpleNamespace(toks=prompts.tokens)

    def flat(logits: Tensor) -> Tensor:
        return prompts.score(logits).flatten()  # paths want one axis

    logits, cache = model.run_with_cache(prompts.tokens)
    _, other = model.run_with_cache(prompts.other)
    said = {"logits": logits[:, -1]}
    for name in SWEPT:
        result = getattr(sweeps, name)(model, prompts.tokens, other, both, reduce="none")
        values = result.values.movedim(0, -1).movedim(-2, 0)  # (batch, *axes, answer)
        said[name] = values if name.endswith("every") else values[:, None]
    for name, run in {
        "path to the end": paths.get_path_patch_head_to_final_resid_post,
        **{f"path to {x}": _to_heads(x) for x in "qkv"},
    }.items():
        values = run(model, flat, new, orig)
        said[name] = torch.as_tensor(values).unflatten(-1, (-1, 2)).movedim(-2, 0)
    parts = decompose_logit_diff(model, cache, prompts.answers)
    said["attribution"] = torch.cat(
        [
            parts.embedding[None],
            parts.heads.flatten(0, 1),
            parts.mlps,
            parts.attention_biases,
            parts.unembedding_bias[None],
            accumulated_logit_diff(model, cache, prompts.answers)[1],
        ]
    ).T
    for name, at in {"zero ablation": None, "knock-out at the end": -1}.items():
        said[name] = ablated(model, prompts, torch.zeros_like, at)
    said["mean ablation"] = ablated(model, prompts, lambda z: z.mean(0, keepdim=True).expand_as(z), None)
    return said


def _to_heads(letter: str):
    return partial(paths.get_path_patch_head_to_heads, RECEIVERS, letter)


def ablated(model: TransformerBridge, prompts: Prompts, by, at: int | None) -> Tensor:
    """Both answers' logits without each head: (batch, layer, head, 2)."""
    rows = []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):

            def hook_z(z, hook, head=head):
                z = z.clone()
                where = slice(None) if at is None else at
                z[:, where, head] = by(z[:, :, head])[:, where]
                return z

            rows.append(
                prompts.score(
                    model.run_with_hooks(prompts.tokens, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", hook_z)])
                )
            )
    return torch.stack(rows, dim=1).unflatten(1, (model.cfg.n_layers, -1))


def tasks_for(prompts: Prompts, i: int, model: TransformerBridge) -> list[tuple[str, dict]]:
    """What the page is asked, in the order of `python_says`. Some tasks give one part of a value each."""
    tokens, other, answers = (x[i].tolist() for x in (prompts.tokens, prompts.other, prompts.answers))
    last = len(tokens) - 1
    everyone = prompts.tokens.tolist()
    swept = {"tokens": tokens, "from": {"tokens": other}, "answers": answers}
    return [
        ("logits", {"tokens": tokens, "pos": last}),
        *(("sweeps", {**swept, "places": places, "axes": axes}) for places, axes in SWEPT.values()),
        ("path", {"tokens": tokens, "other": other, "receivers": [], "letter": "q", "answers": answers}),
        *(
            (
                "path",
                {"tokens": tokens, "other": other, "receivers": RECEIVERS, "letter": x, "answers": answers},
            )
            for x in "qkv"
        ),
        ("attribution", {"tokens": tokens, "right": answers[0], "wrong": answers[1]}),
        ("ablations", {"tokens": tokens, "by": "zero", "answers": answers}),
        ("ablations", {"tokens": tokens, "by": "zero", "answers": answers, "at": last}),
        ("ablations", {"tokens": tokens, "by": {"mean": everyone}, "answers": answers}),
    ]


def as_tensor(answer) -> Tensor:
    if isinstance(answer, list):
        return torch.tensor(answer)
    if "data" in answer:
        return table(answer)
    heads = [share for layer in answer["heads"] for share in layer]
    return torch.tensor(
        [
            answer["embedding"],
            *heads,
            *answer["mlps"],
            *answer["attention_biases"],
            answer["unembedding_bias"],
            *answer["lens"],
        ]
    )


@pytest.mark.parametrize("name", live_weights.MODELS)
def test_every_activation_has_transformer_lens_name_and_value(page, models, name):
    model, text = models[name], TEXTS[0]
    tokens = model.to_tokens(text)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    (names,) = page.asks([("hooks", {"tokens": tokens[0].tolist()})], name)
    known = {key for key in cache if re.fullmatch(r"(blocks\.\d+\.)?(ln\w+\.|attn\.|mlp\.)?hook_\w+", key)}
    aliases = re.compile(r"hook_(in|out|hidden_states)$")
    assert {key for key in known if not aliases.search(key)} <= set(names)
    (values,) = page.asks([("activations", {"tokens": tokens[0].tolist(), "names": names})], name)
    for key, value in zip(names, values, strict=True):
        if key in cache and not (
            name == "tiny-attn-only" and key.endswith("scores")
        ):  # a native bridge's are not its own
            theirs = cache[key][0].flatten()
            ours = torch.tensor([-torch.inf if x is None else x for x in value])
            seen = ours > -torch.inf  # some models mask scores after the hook
            scale = theirs[seen].abs().max().clamp(min=1)
            assert ((ours - theirs)[seen].abs().max() / scale) < CLOSE / 4, key


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_those_of_to_tokens(page, models, text):
    model = models["tiny-gpt2"]
    (said,) = page.asks([("tokens", {"text": text})])
    assert said["tokens"] == [model.tokenizer.bos_token_id, *build_tokenizer()(text)["input_ids"]]
    if text:
        assert said["tokens"] == model.to_tokens(text)[0].tolist()


def test_a_patch_from_the_run_itself_changes_nothing(page, models):
    """Freezing: each activation put back where it was."""
    tokens = models["tiny-gpt2"].to_tokens(TEXTS[0])[0].tolist()
    asked_for = [
        {"place": place, "layer": 1, "from": "own"} for place in ("z", "resid_pre", "mlp_out", "pattern", "q")
    ]
    plain, frozen = page.asks(
        [("logits", {"tokens": tokens}), ("logits", {"tokens": tokens, "interventions": asked_for})]
    )
    assert plain == frozen


def test_the_bundle_is_that_of_its_sources_and_small():
    """`cd book/_live && npm ci && npm run build` makes it anew."""
    folder = BUNDLE.parents[1] / "src"
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in (".ts", ".css"))
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\0{(folder / name).read_text(encoding='utf-8')}\0".encode())
    built = BUNDLE.read_text(encoding="utf-8")
    assert built.startswith(f"// sources: {digest.hexdigest()}\n"), "book/_live/src changed: npm run build"
    assert len(built.encode()) < LARGEST
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", built), "the page asks another host"


def test_both_models_together_are_under_six_megabytes(models):
    assert sum(len(live_weights.packed(name, model)) for name, model in models.items()) < 6e6


FIGURE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>live</title><body>'
    '<div class="pb-live" data-live="{name}"><figure><figcaption>{name}</figcaption></figure></div>'
    '<script src="live.js"></script>'
)


@contextmanager
def opened(page: Page, name: str, state: str, said: str, **seen) -> Iterator[Browser]:
    """A figure, opened by a link to one of its states; then the blank page again. seen: as `open` has it."""
    blank = page.browser.value("location.href")
    page.browser.open(f"{blank.rsplit('/', 1)[0]}/{name}.html#live-{name}?{state}", **seen)
    says(page.browser, said)
    yield page.browser
    page.browser.open(blank)


@pytest.fixture
def patch_figure(page) -> Iterator[Browser]:
    with opened(page, "patch", "what=z&cell=16", "L2H4 patched") as browser:
        yield browser


@pytest.fixture
def path_figure(page) -> Iterator[Browser]:
    with opened(
        page, "path", "sender=L2H4&receivers=L3H2&by=q", "from L2H4 to the queries of L3H2,"
    ) as browser:
        yield browser


def says(browser: Browser, text: str) -> str:
    """Waits until the figure's summary has this in it, and returns the summary."""
    summary = "document.querySelector('.pbl-said')?.textContent"
    return until(lambda: text in (said := browser.value(summary) or "") and said)


def test_a_link_leads_to_its_experiment_and_a_change_is_in_the_link(patch_figure):
    browser = patch_figure
    picked = "document.querySelector('.pbl-map [aria-pressed=true]')"
    assert browser.value(f"{picked}.ariaLabel").startswith("L2, H4")
    press_below(browser, picked)
    says(browser, "L3H4 patched")
    until(lambda: "cell=22" in browser.value("location.hash"))
    assert browser.value("document.activeElement.ariaLabel").startswith("L3, H4"), (
        "the keyboard's place is kept"
    )


def key_on(element: str, key: str) -> str:
    return f"{element}.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}}))"


def press_below(browser: Browser, cell: str) -> None:
    """By keyboard to the cell below, and a press on it."""
    browser.value(f"{cell}.focus()")
    browser.value(key_on(cell, "ArrowDown"))
    browser.value("document.activeElement.click()")


def type_into(browser: Browser, field: int, text: str) -> None:
    typed = (
        f"const box = document.querySelectorAll('.pb-live input')[{field}]; box.value = {json.dumps(text)};"
    )
    browser.value(f"{{ {typed} box.dispatchEvent(new Event('input')) }}")


@pytest.mark.parametrize(
    "field, text, said",
    [
        (0, "When Mary and John went out, John gave a ball to", "A patch needs the same number"),
        (1, "When Mary and John went to the park, John gave a ball to", "The two prompts are the same"),
        (2, "Mary and John", "An answer must be one token"),
        (2, "", "Type a right and a wrong answer"),
    ],
)
@pytest.mark.parametrize("figure", ["patch_figure", "path_figure"])
def test_what_a_reader_types_is_answered(request, figure, field, text, said):
    browser = request.getfixturevalue(figure)
    type_into(browser, field, text)
    says(browser, said)


def test_senders_and_receivers_are_chosen_in_the_circuit(path_figure):
    browser = path_figure
    assert browser.value("document.querySelectorAll('.pbl-circuit > svg > path').length") == 2
    press_below(browser, "document.querySelector('.pbl-sender')")
    says(browser, "from L1H4 to the queries of L3H2,")
    assert browser.value("document.activeElement.ariaLabel").startswith("L1H4, the sender")
    choose(browser, 0, "receivers")
    browser.value("document.querySelector('.pbl-circuit [aria-label^=L3H4]').click()")
    says(browser, "from L1H4 to the queries of L3H2, L3H4,")
    until(lambda: "receivers=L3H2+L3H4" in browser.value("location.hash"))
    browser.value("document.querySelector('.pbl-output').click()")
    says(browser, "from L1H4 to the output,")
    choose(browser, 0, "sender")
    browser.value("document.querySelector('.pbl-circuit [aria-label^=L3H0]').click()")
    says(browser, "from L3H0 to the output,")


def choose(browser: Browser, field: int, value: str) -> None:
    box = f"document.querySelectorAll('.pb-live select')[{field}]"
    browser.value(f"{{ {box}.value = '{value}'; {box}.dispatchEvent(new Event('change')) }}")


def test_a_sender_after_its_receivers_is_not_heard(page):
    with opened(page, "path", "sender=L3H0&receivers=L2H4&by=v", "nothing can arrive") as browser:
        assert not browser.value("document.querySelectorAll('.pbl-circuit > svg > path').length")


def test_a_head_that_is_knocked_out_changes_what_others_write(page):
    with opened(page, "path", "receivers=&out=L2H4", "With L2H4 knocked out") as browser:
        gone = "document.querySelector('.pbl-gone')"
        assert browser.value(f"{gone}.ariaLabel").startswith("L2H4, knocked out")
        press_below(browser, gone)
        says(browser, "With L2H4, L3H4 knocked out")


def test_one_path_is_a_cell_of_its_map_and_a_knock_out_is_pythons(page, models):
    model, (prompts, *_) = models["tiny-gpt2"], prompt_sets(models["tiny-gpt2"])
    tokens, other, answers = (x[0].tolist() for x in (prompts.tokens, prompts.other, prompts.answers))
    path = {"tokens": tokens, "other": other, "receivers": [(3, 2)], "letter": "q", "answers": answers}
    out = {"place": "z", "layer": 2, "head": 4, "from": {"tokens": other}}
    cells, one, parts = page.asks(
        [
            ("path", path),
            ("pathLikely", path | {"sender": (2, 4), "count": 1}),
            (
                "attribution",
                {"tokens": tokens, "right": answers[0], "wrong": answers[1], "interventions": [out]},
            ),
        ]
    )
    assert one["logits"] == pytest.approx(table(cells)[2, 4].tolist(), abs=CLOSE)
    with torch.no_grad():
        _, theirs = model.run_with_cache(prompts.other[:1])

        def hook_z(z, hook):
            z[:, :, 4] = theirs[hook.name][:, :, 4]
            return z

        with model.hooks(fwd_hooks=[("blocks.2.attn.hook_z", hook_z)]):
            _, cache = model.run_with_cache(prompts.tokens[:1])
        wanted = decompose_logit_diff(model, cache, prompts.answers[:1]).heads[..., 0]
    assert farthest(torch.tensor(parts["heads"]), wanted) < CLOSE


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TOMORROW = "Today it is {}, tomorrow it is"


def test_the_week_is_walked_by_keyboard_and_the_model_by_slider(page):
    with opened(page, "days", "day=Saturday", "Today Saturday: the likeliest day is Sunday (+1)") as browser:
        pressed = "document.querySelector('.pbl-chips [aria-pressed=true]')"
        browser.value(f"{pressed}.focus()")
        for day, after in (("Sunday", "Monday"), ("Monday", "Tuesday")):  # past the end of the week
            browser.value(key_on("document.activeElement", "ArrowRight"))
            says(browser, f"Today {day}: the likeliest day is {after} (+1)")
            assert browser.value("document.activeElement.textContent") == day
        slider = "document.querySelector('.pb-live [type=range]')"
        browser.value(f"{{ {slider}.value = 0; {slider}.dispatchEvent(new Event('input')) }}")
        until(lambda: browser.value(f"{slider}.ariaValueText") == "embed")
        assert browser.value("document.querySelector('.pbl-row th').textContent") == "embed"
        until(lambda: "day=Monday" in (link := browser.value("location.hash")) and "after=0" in link)


def test_two_presses_before_the_figure_is_drawn_are_two_steps(page):
    """The second goes on from the day that the first asked for, which is not to be seen yet."""
    with opened(page, "days", "day=Saturday&at=today", "Today Saturday") as browser:
        pressed = "document.querySelector('.pbl-chips [aria-pressed=true]')"
        key = key_on(pressed, "ArrowRight")
        browser.value(f"{pressed}.focus(); {key}; {key}")
        says(browser, "Today Monday")
        assert browser.value(f"{pressed}.textContent") == "Monday"
    with opened(page, "text", "at=3&head=L1H5", "15 tokens") as browser:
        for group, wanted in (("chips", "token 5"), ("heads", "L2H1")):
            pressed = f"document.querySelector('.pbl-{group} [aria-pressed=true]')"
            key = key_on(pressed, "ArrowRight")
            browser.value(f"{pressed}.focus(); {key}; {key}")
            until(lambda pressed=pressed, wanted=wanted: wanted in browser.value(f"{pressed}.ariaLabel"))


def test_where_no_day_matters_the_answer_of_all_is_named(page):
    with opened(
        page, "days", "text={}+was+long+ago.+Now+it+is+Friday+and+tomorrow+is", "Today Sunday"
    ) as browser:
        said = browser.value("document.querySelector('.pbl-said').textContent")
        likeliest = re.search(r"the likeliest day is (\w+)", said)[1]
        assert f"All seven are answered with {likeliest}." in said
        assert not re.search(r"\b1 are\b", said)


TOUCHED = {  # figure -> (a link to it, what it says, what a finger presses, what the link then has)
    "text": ("at=2", "15 tokens", ".pbl-chips button:nth-child(4)", "at=3"),
    "writes": ("part=0", "The parts add up", ".pbl-map tr:nth-child(2) td:nth-child(3) button", "part=9"),
    "patch": ("what=z&cell=0", "L0H0 patched", ".pbl-map tr:nth-child(2) td:nth-child(3) button", "cell=7"),
    "path": (
        "sender=L2H4",
        "from L2H4",
        ".pbl-circuit tr:nth-child(2) td:nth-child(3) button",
        "sender=L2H1",
    ),
    "days": ("day=Monday", "Today Monday", ".pbl-chips button:nth-child(3)", "day=Wednesday"),
}


@pytest.mark.parametrize("name", live.FIGURES)
def test_a_figure_is_usable_on_a_telephone_in_the_dark_and_without_motion(page, name):
    state, said, pressed, wanted = TOUCHED[name]
    page.browser.complaints.clear()
    with opened(page, name, state, said, width=400, dark=True, still=True) as browser:
        assert browser.value("document.documentElement.scrollWidth <= innerWidth")
        button = f"document.querySelector('{pressed}')"
        browser.value(f"{button}.scrollIntoView({{block: 'center', inline: 'center'}})")
        box = f"{button}.getBoundingClientRect()"
        x, y = browser.value(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})")
        before = browser.value("document.querySelector('.pbl-said').textContent")
        browser.tap(x, y)
        until(lambda: wanted in browser.value("location.hash"))
        until(lambda: browser.value("document.querySelector('.pbl-said').textContent") != before)
        assert browser.value("document.getAnimations().length") == 0
        stops = """[...document.querySelectorAll("[role=group], .pbl-map")]
          .map(one => [...one.querySelectorAll("button")].map(button => button.tabIndex))"""
        groups = [group for group in browser.value(stops) if group]
        assert groups and all(group.count(0) == 1 for group in groups), "each is one stop of the keyboard"
        assert browser.value("document.querySelector('.pbl-said').getAttribute('role')") == "status"
        assert browser.complaints == []


def test_a_sentence_without_a_place_for_the_day_is_answered(page):
    with opened(page, "days", "", "Today Sunday") as browser:
        type_into(browser, 0, "Today it is Monday, tomorrow it is")
        says(browser, "Write {} where the day stands")


def test_the_stream_between_the_parts_is_pythons_and_so_is_the_plane(page, models):
    model = models["tiny-gpt2"]
    tokens = torch.cat([model.to_tokens(TOMORROW.format(day)) for day in DAYS])
    words = [model.to_single_token(f" {day}") for day in DAYS]
    asked_for = {"prompts": tokens.tolist(), "pos": tokens.shape[1] - 1, "words": words}
    (said,) = page.asks([("stations", asked_for)])
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
        wanted = [cache["resid_pre", 0]]
        for layer in range(model.cfg.n_layers):
            wanted += [cache["resid_mid", layer], cache["resid_post", layer]]
        x = torch.stack([stream[:, -1] for stream in wanted], dim=1)  # (day, station, d_model)
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()
        logits = (x @ model.W_U + model.b_U)[..., words]
    assert farthest(torch.tensor(said["streams"]).view(x.shape), x) < CLOSE
    assert farthest(torch.tensor(said["logits"]).view(logits.shape), logits) < CLOSE
    for plane, vectors in {"unembedding": model.W_U.T[words], "stream": x[:, -1]}.items():
        with opened(page, "days", f"plane={plane}", "Today Sunday") as browser:
            note = browser.value("document.querySelector('.pbl-plane + .pbl-note').textContent")
        assert measured(note) == pytest.approx(circle(vectors), abs=6e-3)


def measured(note: str) -> list[float]:
    """Three numbers of a note: the share that the plane holds, how near neighbours are, and there."""
    share, apart, flat = re.search(r"holds (.+?) %.* are (\S+) times.*\((\S+) in the plane", note).groups()
    return [float(share) / 100, float(apart), float(flat)]


def circle(vectors: Tensor) -> list[float]:
    """What Python says they are."""
    rows = vectors.detach() - vectors.detach().mean(0)
    _, sizes, axes = torch.linalg.svd(rows, full_matrices=False)
    week = torch.arange(7)

    def neighbours(x: Tensor) -> float:
        far = torch.cdist(x, x)
        return (far[week, (week + 1) % 7].mean() / far[~torch.eye(7, dtype=torch.bool)].mean()).item()

    share = sizes[:2].pow(2).sum() / sizes.pow(2).sum()
    return [share.item(), neighbours(rows), neighbours(rows @ axes[:2].T)]
