"""Figures: right numbers and names in them, a text for those who cannot see, small in the book."""

import html
import json
import re
import subprocess
import sys

import circuitsvis
import numpy as np
import plotly.io as pio
import pytest
import torch

from patchbook import plots
from tests.project.browser import CHROMIUM, Browser

TOKENS = ["<|endoftext|>", "The", " cat", " The", "\n"]


@pytest.fixture
def patterns():
    """(layer=2, head=5, query=5, key=5), causal, each row a distribution."""
    scores = torch.randn(2, 5, 5, 5, generator=torch.Generator().manual_seed(0))
    hidden = torch.ones(5, 5).triu(1).bool()
    return scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)


@pytest.fixture
def in_book(monkeypatch):
    monkeypatch.setenv("PATCHBOOK_FIGURES", "book")
    monkeypatch.setattr(pio.renderers, "default", pio.renderers.default)


def figures(patterns):
    """One figure of each plotly function."""
    return {
        "head_heatmap": plots.head_heatmap(patterns[:, :, 0, 0] * 0.5, "Score", "probability"),
        "head_heatmaps": plots.head_heatmaps(patterns[:, :, 0], ["query", "key"], "Maps", "share"),
        "label_heatmap": plots.label_heatmap(
            patterns[0, 0], TOKENS, TOKENS, "Pattern", "key", "query", "probability"
        ),
        "lines": plots.lines({"loss": [6.4, 0.7]}, "Training", "step", "loss (nats)"),
        "bars": plots.bars(torch.tensor([1.0, -2.0]), ["heads", "mlps"], "Parts", "logits"),
        "layer_slider": plots.layer_slider(patterns, TOKENS),
        "head_scatter": plots.head_scatter([("L0H0", 0, 0.1, 0.7), ("L1H0", 1, 0.3, -0.2)], "v, z", "v", "z"),
        "against_chance": plots.against_chance([("seeds", [0.5, 0.7], [0.1])], "Overlap", "Jaccard index"),
        "ring": plots.ring(patterns[0, 0, :, :2], TOKENS, "Words"),
    }


def test_every_figure_has_title_axes_and_a_text(patterns):
    for name, figure in figures(patterns).items():
        assert figure.layout.title.text, name
        assert figure.layout.meta["description"] in html_free(figure), name
        assert figure.layout.yaxis.title.text, name


def test_points_are_named_and_coloured_by_layer():
    rows = [("L0H0", 0, 0.1, 0.7), ("L1H0", 1, 0.3, -0.2), ("L1H1", 1, 0.0, 0.0)]
    figure = plots.head_scatter(rows, "Value against output", "v", "z")
    first, second, _ = figure.data
    assert (first.name, first.x, first.y, first.text) == ("layer 0", (0.1,), (0.7,), ("L0H0",))
    assert second.text == ("L1H0", "L1H1") and second.marker.symbol != first.marker.symbol
    assert figure.layout.meta["description"].startswith("Farthest from zero: L0H0 (0.10, 0.70), L1H0")
    assert [note.text for note in figure.layout.annotations] == ["L0H0", "L1H0", "L1H1"]
    crowded = plots.head_scatter([*rows, ("L1H2", 1, 0.11, 0.69)], "Value against output", "v", "z")
    assert [note.text for note in crowded.layout.annotations] == ["L0H0", "L1H0", "L1H1"]
    with pytest.raises(ValueError, match="one row or more"):
        plots.head_scatter([], "nothing", "v", "z")


def test_what_was_measured_stands_beside_what_chance_gives():
    rows = [("seeds", [0.5, 0.7], [0.1, 0.1]), ("one", [0.4], [0.2])]
    measured, chance = plots.against_chance(rows, "Overlap", "Jaccard index").data
    assert measured.y == chance.y == ("seeds", "one")
    assert measured.x == pytest.approx((0.6, 0.4)) and chance.x == pytest.approx((0.1, 0.2))
    assert measured.error_x.array == pytest.approx((0.02**0.5, 0)) and max(chance.error_x.array) < 1e-9
    with pytest.raises(ValueError, match="each with values"):
        plots.against_chance([("seeds", [0.5], [])], "Overlap", "Jaccard index")


def test_a_ring_is_closed_and_keeps_its_order():
    points = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]])
    (line,) = plots.ring(points, [" a", "b", "c"], "Three").data
    assert line.x == (0.0, 1.0, 0.0, 0.0) and line.y == (1.0, 0.0, -1.0, 1.0)
    assert line.text == ("·a", "b", "c", "")
    with pytest.raises(ValueError, match=r"wanted \(2, 2\)"):
        plots.ring(points, ["a", "b"], "Two")


def html_free(figure) -> str:
    subtitle = figure.layout.title.subtitle.text
    return subtitle.replace("<br>", " ").replace("&lt;", "<").replace("&gt;", ">")


def test_hovering_names_the_head():
    figure = plots.head_heatmap(torch.arange(10.0).reshape(2, 5), "Score", "logits")
    assert figure.data[0].text[1][3] == "L1H3"
    assert figure.data[0].z[1][3] == 8.0
    assert figure.layout.meta["description"].startswith("Largest: L1H4 9.00, L1H3 8.00")
    assert figure.data[0].zmid == 0


def test_maps_side_by_side_have_one_scale_and_a_name_each():
    maps = torch.stack([torch.arange(10.0).reshape(2, 5), -torch.full((2, 5), 20.0)])
    figure = plots.head_heatmaps(maps, ["query", "key"], "Maps", "share")
    assert [(trace.zmin, trace.zmax) for trace in figure.data] == [(-20, 20), (-20, 20)]
    assert [trace.showscale for trace in figure.data] == [False, True]
    assert [note.text for note in figure.layout.annotations] == ["query", "key"]
    assert figure.data[0].text[1][3] == "L1H3" and figure.data[0].z[1][3] == 8.0
    assert figure.layout.meta["description"].startswith("query: Largest: L1H4 9.00")
    with pytest.raises(ValueError, match="2 maps but 1 names"):
        plots.head_heatmaps(maps, ["query"], "Maps")


def test_probabilities_have_a_fixed_scale():
    figure = plots.head_heatmap(torch.full((2, 5), 0.3), "Score", scale="probability")
    assert (figure.data[0].zmin, figure.data[0].zmax) == (0, 1)


def test_maps_of_patching_have_one_scale():
    pale = plots.head_heatmap(torch.full((2, 5), 0.03), "MLPs", "share of the way to clean")
    dark = plots.label_heatmap(torch.ones(1, 2), ["a", "b"], ["c"], "Heads", colorbar="0 corrupted, 1 clean")
    assert [(figure.data[0].zmin, figure.data[0].zmax) for figure in (pale, dark)] == [(-1, 1)] * 2
    far = plots.head_heatmap(torch.tensor([[1.12, -0.2]]), "Heads", "share of the way")
    assert [figure.data[0].colorbar.ticktext[-1] for figure in (pale, dark, far)] == ["1", "1", "≥ 1"]
    assert far.data[0].colorbar.ticktext[0] == "−1" and far.data[0].colorbar.title.text == "share of the way"


def test_equal_tokens_keep_their_own_row():
    tokens = [" the", " the"]
    figure = plots.label_heatmap(torch.eye(2), tokens, tokens, "Pattern")
    assert list(figure.data[0].x) == ["0 ·the", "1 ·the"]


def test_plotly_does_not_swallow_the_bos_token(patterns):
    figure = plots.layer_slider(patterns, TOKENS)
    assert figure.data[0].x[0] == "0 &lt;|endoftext|&gt;"


def test_slider_shows_one_layer_at_a_time(patterns):
    figure = plots.layer_slider(patterns, TOKENS)
    assert [trace.visible for trace in figure.data] == [True] * 5 + [False] * 5
    step = figure.layout.sliders[0].steps[1]
    assert step.args[0]["visible"] == [False] * 5 + [True] * 5
    np.testing.assert_allclose(figure.data[7].z, patterns[1, 2], atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_any_float_and_gradients(dtype):
    values = torch.ones(2, 3, dtype=dtype, requires_grad=True)
    assert list(plots.head_heatmap(values, "Score").data[0].z[0]) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.head_heatmap(torch.zeros(2, 3, 4), "t"), r"\(layer, head\).*\(2, 3, 4\)"),
        (lambda: plots.head_heatmap(torch.zeros(2, 3), "t", scale="hot"), "'hot'; wanted one of"),
        (lambda: plots.label_heatmap(torch.zeros(2, 3), ["a"], ["b"], "t"), r"\(2, 3\).*\(1, 1\)"),
        (lambda: plots.bars(torch.zeros(2), ["a"], "t", "logits"), "2 values but 1 labels"),
        (lambda: plots.layer_slider(torch.zeros(1, 1, 2, 2), ["a"]), "2 key positions but 1"),
        (lambda: plots.attention_patterns(torch.zeros(2, 1, 2, 2), ["a", "b"]), "one prompt"),
        (lambda: plots.attention_patterns(torch.zeros(1, 2, 2), ["a"]), "there are 1 tokens"),
    ],
)
def test_wrong_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_describe_leaves_out_what_is_not_a_number():
    assert plots.describe(torch.tensor([torch.nan, 0.5]), ["a", "b"], "nats") == (
        "Largest: b 0.50. Smallest: b 0.50 (nats)."
    )
    assert plots.describe(torch.tensor([torch.nan])) == "No values."


def test_attention_figure_has_a_table(patterns):
    view = plots.attention_patterns(patterns[1], TOKENS, layer=1)
    assert '<th scope="col">L1H4</th>' in view._repr_html_()
    assert '<th scope="row">0 &lt;|endoftext|&gt;</th>' in view._repr_html_()
    assert repr(view).startswith("5 heads of layer 1, 5 tokens")


def test_the_attention_figure_asks_nobody_and_is_small(patterns, monkeypatch):
    sources = set()
    for mode in ("inline", "cdn", "book"):
        monkeypatch.setenv("PATCHBOOK_FIGURES", mode)
        sources.add(plots.attention_patterns(patterns[0], TOKENS)._repr_html_())
    (source,) = sources  # the same everywhere
    assert len(source) < 15_000
    assert re.findall(r"https?://[^\s\"']+", source) == [
        "http://www.w3.org/2000/svg"
    ]  # a name, not an address
    assert "</script" not in source[source.index("<script>") + 8 : source.rindex("</script>")]
    monkeypatch.setenv("PATCHBOOK_FIGURES", "paper")
    with pytest.raises(ValueError, match="'paper'; wanted one of book, cdn, inline"):
        plots.attention_patterns(patterns[0], TOKENS)


def test_heads_of_ones_choice_have_their_names(patterns):
    view = plots.attention_patterns(patterns[0, :2], [*TOKENS[:4], "</script>"], names=["L3H2", "L9H11"])
    assert (
        '"names":["L3H2","L9H11"]' in view._repr_html_()
        and '<th scope="col">L9H11</th>' in view._repr_html_()
    )
    assert view._repr_html_().count("</script>") == 1
    with pytest.raises(ValueError, match="2 heads but 1 names"):
        plots.attention_patterns(patterns[0, :2], TOKENS, names=["L3H2"])


KEYS = {"Tab": 9, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}


def press(browser: Browser, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=KEYS[key])


@pytest.mark.parametrize(("dark", "width"), [(False, 400), (True, 1200)])
def test_in_a_browser_the_attention_figure_answers_the_keyboard(patterns, dark, width, tmp_path):
    if CHROMIUM is None:
        return
    view = plots.attention_patterns(patterns[1], TOKENS, layer=1)._repr_html_()
    page, theme = tmp_path / "page.html", "dark" if dark else "light"
    start = f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>Page</title>'
    page.write_text(f"{start}{view}{view}", encoding="utf-8")
    chosen = "[...document.querySelectorAll('[aria-checked=true]')].slice(0, 2).map(e => e.textContent)"
    said = "document.querySelector('.pb-attention-said').textContent"
    with Browser(tmp_path / "profile") as browser:
        browser.open(page.as_uri(), width=width, dark=dark)
        assert browser.value("document.querySelectorAll('.pb-attention-said').length") == 2
        assert browser.value(chosen) == ["L1H0", "↵"]
        for key in ("Tab", "ArrowRight", "Tab", "ArrowLeft"):
            press(browser, key)
        assert browser.value(chosen) == ["L1H1", "·The"]
        key = patterns[1, 1, 3].argmax().item()
        strongest = f"“{key} {plots.parts.shown(TOKENS[key])}” {patterns[1, 1, 3, key].item():.2f}"
        assert browser.value(said).startswith(f"L1H1, from “3 ·The”: {strongest}")
        assert browser.value("document.querySelector('[role=img]').ariaLabel").startswith(
            "The pattern of L1H1"
        )
        press(browser, "Home")
        assert browser.value(said) == "L1H1, from “0 <|endoftext|>”: “0 <|endoftext|>” 1.00."
        assert browser.value("document.documentElement.scrollWidth") <= width
        paper = browser.value("getComputedStyle(document.querySelector('.pb-attention')).backgroundColor")
        assert paper == ("rgb(22, 25, 29)" if dark else "rgb(255, 255, 255)")


def test_a_view_of_ones_own_is_framed(monkeypatch):
    probes = []
    monkeypatch.setattr("circuitsvis.utils.render.request.urlopen", lambda *a, **k: probes.append(a))
    view = circuitsvis.tokens.colored_tokens(tokens=["a", "b"], values=[0.5, 1.0])
    shown = plots.framed(view, "Losses", "two < tokens")
    assert "<strong>Losses</strong>" in shown._repr_html_() and "two &lt; tokens" in shown._repr_html_()
    assert repr(shown) == "two < tokens" and probes == []


def test_a_view_of_ones_own_brings_its_script_but_to_the_book(monkeypatch):
    view, sizes = circuitsvis.tokens.colored_tokens(tokens=["a", "b"], values=[0.5, 1.0]), {}
    for mode in ("inline", "cdn", "book"):
        monkeypatch.setenv("PATCHBOOK_FIGURES", mode)
        source = plots.framed(view, "Losses", "two tokens")._repr_html_()
        assert not re.search(r"(src|from|import)[ =(]*[\"']https?://", source), mode
        sizes[mode] = len(source)
    assert sizes["inline"] == sizes["cdn"] > 1_000_000 > 10_000 > sizes["book"]


def test_the_finding_is_the_caption_and_the_summary_the_text_alternative(patterns, in_book):
    for name, figure in figures(patterns).items():
        figure = plots.captioned(figure, "Head 1 < all others.")
        summary = figure.layout.meta["description"]
        assert figure.layout.title.subtitle.text == "Head 1 &lt; all others.", name
        text = pio.renderers["patchbook_book"].to_mimebundle(json.loads(figure.to_json()))["text/html"]
        assert "<figcaption>Head 1 &lt; all others.</figcaption></figure>" in text, name
        assert text.count(html.escape(summary)) == 1 and f'. {html.escape(summary)}"' in text, name
    view = plots.captioned(plots.attention_patterns(patterns[0], TOKENS), "Head 1 < all others.")
    assert "<figcaption>Head 1 &lt; all others.</figcaption></figure>" in view._repr_html_()
    assert 'aria-label="Attention patterns. 5 heads, 5 tokens' in view._repr_html_() and "5 heads" in repr(
        view
    )


def test_book_gets_small_html(patterns, in_book):
    for name, figure in figures(patterns).items():
        shown = pio.renderers["patchbook_book"].to_mimebundle(json.loads(figure.to_json()))
        text = shown["text/html"]
        assert len(text) < 60_000, name
        assert "cdn.plot.ly" not in text and "<figcaption>" not in text, name
        assert f"<strong>{figure.layout.meta['title']}</strong>" in text, name
    assert pio.renderers.default == "patchbook_book"


def test_a_kernel_forked_after_plotly_opens_no_browser(patterns, monkeypatch):
    monkeypatch.setenv("PATCHBOOK_FIGURES", "inline")
    monkeypatch.setattr(pio.renderers, "default", "browser")
    monkeypatch.setitem(sys.modules, "ipykernel", json)
    plots.head_heatmap(patterns[:, :, 0, 0], "Score")
    assert pio.renderers.default == "plotly_mimetype"


def test_drawing_writes_nothing_to_stderr():
    code = (
        "import torch; from patchbook import plots; import plotly.io as pio\n"
        "plots.head_heatmap(torch.rand(2, 3), 'Score').to_json()\n"
        "plots.attention_patterns(torch.rand(2, 3, 3), list('abc'))._repr_html_()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr == ""
