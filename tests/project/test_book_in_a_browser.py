"""The book as a reader's browser shows it: on a telephone, without a mouse, to a screen reader, on paper."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.browser import Browser
from tests.project.built_book import EDITIONS, LOOKED_AT, built, running
from tests.project.events import until

AXE = (Path(__file__).parent / "vendor" / "axe" / "axe.min.js").read_text(encoding="utf-8")
CHAPTER = f"book/{LOOKED_AT}.html"
FIGURES = f"exercises/{LOOKED_AT}/2-where-heads-look.html"  # of every kind, one with a slider
KINDS = (
    "book/index.html",
    CHAPTER,
    "book/playground.html",
    "book/glossary.html",
    "book/bibliography.html",
    "diagnoses/patch_head_input.html",
    f"exercises/{LOOKED_AT}.html",
    FIGURES,
    "search.html",
)
# Without `preload`: axe would ask for the style sheets again, and a page on a disk may not.
VIOLATIONS = """axe.run(document, {resultTypes: ["violations"], preload: false}).then(found => JSON.stringify(
  found.violations.map(({id, impact, nodes: [one]}) => [id, impact, one.target.join(" "), one.failureSummary])
))"""
# A colour on its way to another is neither, and what fades in has not its own yet.
AT_ONCE = "<style>* { transition: none !important; animation: none !important }</style>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def book() -> Path:
    return built("self-study")


def everything_drawn(browser: Browser) -> None:
    """Go to each figure of the page, as far as there are any, and wait until it is drawn."""
    kinds = {".pb-plot, .pb-view": "svg, canvas, span", "[data-start=view]": ".pbl-said:not(:empty)"}
    for kind, drawn in kinds.items():
        for number in range(browser.value(f"document.querySelectorAll('{kind}').length")):
            figure = f"document.querySelectorAll('{kind}')[{number}]"
            browser.value(f"{figure}.scrollIntoView()")
            until(lambda figure=figure, drawn=drawn: browser.value(f"!!{figure}.querySelector('{drawn}')"))


def pages_of_every_kind() -> Iterator[tuple[str, Path]]:
    """Each kind of page once; with PATCHBOOK_AXE=all (`make axe`) every page of both editions."""
    every = os.environ.get("PATCHBOOK_AXE") == "all"
    for edition in EDITIONS if every else ["self-study"]:
        folder = built(edition)
        for page in sorted(folder.rglob("*.html")):
            name = page.relative_to(folder).as_posix()
            twice = edition == "class" and name.startswith(("book/", "diagnoses/"))
            leads_on = name == "index.html"  # to book/index
            if (every or name in KINDS) and not leads_on and "_static" not in page.parts and not twice:
                yield f"{edition}, {name}", page


def test_no_page_has_a_fault_for_those_who_cannot_see_it(browser):
    faults, seen = {}, 0
    for name, page in pages_of_every_kind():
        seen += 1
        browser.complaints.clear()
        browser.open(page.as_uri())
        everything_drawn(browser)
        browser.value(f"document.head.insertAdjacentHTML('beforeend', '{AT_ONCE}'); {AXE}; 0")
        for theme in ("light", "dark"):
            browser.value(f"document.documentElement.dataset.theme = '{theme}'")
            if found := json.loads(browser.value(VIOLATIONS)):
                faults[f"{name}, {theme}"] = found
        if browser.complaints:
            faults[f"{name}, console"] = list(browser.complaints)
    assert faults == {} and seen >= len(KINDS)


def test_figures_and_sliders_can_be_reached_and_have_names(book, browser):
    browser.open((book / FIGURES).as_uri())
    everything_drawn(browser)
    focusable = "[...document.querySelectorAll('.pb-plot')].every(p => p.tabIndex === 0 && p.ariaLabel)"
    assert browser.value(focusable)
    shown = "document.querySelector('.pb-slider + .pb-plot').data.map(trace => trace.visible)"
    first = browser.value(shown)
    browser.value("document.querySelector('.pb-slider input').focus()")
    browser.press("ArrowRight", 39)
    until(lambda: browser.value(shown) != first)
    assert browser.value("document.querySelector('.pb-slider output').value") == "1"
    assert browser.value("document.querySelector('.pb-slider').innerText").startswith("layer")


def test_panels_of_a_pattern_are_square(book, browser):
    browser.open((book / FIGURES).as_uri())
    everything_drawn(browser)
    box = "document.querySelector('.pb-slider + .pb-plot .nsewdrag').getBoundingClientRect().toJSON()"
    panel = browser.value(box)
    width, height = panel["width"], panel["height"]
    assert width == pytest.approx(height, rel=0.05) and width > 100


def test_a_swipe_over_a_figure_moves_the_page(book, browser):
    browser.open((book / CHAPTER).as_uri(), width=400)
    everything_drawn(browser)
    browser.value("document.querySelector('.pb-plot').scrollIntoView({block: 'center', behavior: 'instant'})")
    before = browser.value("scrollY")
    browser.swipe_up(200, 450)
    until(lambda: browser.value("scrollY") > before + 200)
    assert browser.value("document.querySelector('.pb-plot').layout.dragmode") is False


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_screen(book, browser, width):
    """What does not fit scrolls inside of itself: tables of an output, drawings, figures."""
    for name in (
        "book/index.html",
        *(f"book/{chapter}.html" for chapter in running()),
        "diagnoses/get_path_patch_head_to_final_resid_post.html",
        "exercises/02_ioi/2-the-logit-difference.html",
        FIGURES,
    ):
        browser.open((book / name).as_uri(), width=width)
        everything_drawn(browser)
        assert browser.value("document.documentElement.scrollWidth <= innerWidth"), name
    assert browser.value("getComputedStyle(document.querySelector('.cell_output pre')).whiteSpace") == "pre"


def test_code_is_not_cut_on_a_laptop(book, browser):
    browser.open((book / "exercises/02_ioi/4-activation-patching.html").as_uri(), width=1280)
    cut = "[...document.querySelectorAll('.cell_input pre, .highlight-python pre')]"
    cut += ".filter(box => box.scrollWidth > box.clientWidth + 1).length"
    assert browser.value(cut) == 0


def test_letters_of_drawings_are_readable_on_a_telephone(book, browser):
    small = """[...document.querySelectorAll("figure svg[viewBox] text")].filter(text => {
      const drawing = text.ownerSVGElement, scale = drawing.clientWidth / drawing.viewBox.baseVal.width;
      return scale * parseFloat(getComputedStyle(text).fontSize) < 9.5;
    }).map(text => text.textContent)"""
    for page in sorted((book / "book").glob("0*.html")):
        browser.open(page.as_uri(), width=400)
        assert browser.value(small) == [], page.name


def test_paper_is_light_and_has_every_figure_whole(book, browser):
    browser.open((book / CHAPTER).as_uri(), dark=True)
    until(lambda: browser.value("!!window.Plotly"))
    browser.value("dispatchEvent(new Event('beforeprint'))")
    assert browser.value("document.documentElement.dataset.theme") == "light"
    plots = "[...document.querySelectorAll('.pb-plot')]"
    until(lambda: browser.value(f"{plots}.every(plot => plot.querySelector('.main-svg'))"))
    assert (
        browser.value(f"Math.max(...{plots}.map(plot => plot.querySelector('.main-svg').clientWidth))") <= 700
    )
    browser.value("dispatchEvent(new Event('afterprint'))")
    assert browser.value("document.documentElement.dataset.theme") != "light"


def test_paper_has_the_hints_and_no_answers(book, browser):
    browser.open((book / "exercises/02_ioi/4-activation-patching.html").as_uri())
    shown = """[...document.querySelectorAll("main details > :not(summary)")].map(one =>
      [one.parentElement.innerText.startsWith("Hint"), one.checkVisibility()])"""
    assert {visible for _, visible in browser.value(shown)} == {False}
    browser.ask("Emulation.setEmulatedMedia", media="print")
    browser.value("dispatchEvent(new Event('beforeprint'))")
    parts = browser.value(shown)
    assert len(parts) > 10 and all(hint == visible for hint, visible in parts)
    browser.value("dispatchEvent(new Event('afterprint'))")
    assert {visible for _, visible in browser.value(shown)} == {False}
    browser.ask("Emulation.setEmulatedMedia", media="")


QUESTIONS = {  # what a reader types -> the page that answers it
    "induction score": "exercises/01_induction_heads/",
    "b_U": "exercises/03_capitals/3-the-missing-logits.html",
    "logit lens": "exercises/01_induction_heads/",
    "path patching": "exercises/02_ioi/",
    "softmax-over-queries": "diagnoses/attention_from_q_and_k.html",
    "transposed": "diagnoses/index.html",
    "integrated gradients": "exercises/05_attribution/",
    "faithfulness": "06_circuits",
    "grade a class": "book/grade.html",
    "playground": "book/playground.html",
}


def test_the_search_finds_ten_things_on_its_first_page(book, browser):
    links = "[...document.querySelectorAll('#search-results li a')].map(link => link.getAttribute('href'))"
    missed = {}
    for words, wanted in QUESTIONS.items():
        browser.open(f"{(book / 'search.html').as_uri()}?q={words.replace(' ', '+')}")
        until(lambda: browser.value("document.querySelector('.search-summary')?.innerText.includes('found')"))
        until(lambda: browser.value(links))
        if not any(wanted in link for link in browser.value(links)[:10]):
            missed[words] = browser.value(links)[:10]
    assert missed == {}
