/* Draws a figure when the reader comes near it, and loads what draws it then. Nothing here delays the text.

   The page's side is in patchbook/plots/display.py: .pb-plot holds a figure as JSON (data, layout, steps), and
   .pb-circuitsvis a call (view, props). An <input type="range" data-plot> before a .pb-plot chooses a step. */
(() => {
  const here = document.currentScript.src;
  const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };
  const PAPER = 640; // pixels between the margins of a printed page
  const loading = {};

  function load(file) {
    loading[file] ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL(file, here);
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading[file];
  }

  const described = (place) => JSON.parse(place.querySelector(":scope > script").textContent);

  function drawPlot(place) {
    if (place.figure) return;
    place.figure = described(place);
    place.figure.layout.font = { family: getComputedStyle(place).fontFamily };
    Plotly.newPlot(place, place.figure.data, place.figure.layout, CONFIG);
  }

  function drawView(place) {
    const { view, props } = described(place);
    CircuitsVis.render(place.id, CircuitsVis[view], props);
    new MutationObserver(() => nameParts(place)).observe(place, { childList: true, subtree: true });
  }

  /* circuitsvis' canvases have no names, and its headings are none of the page. */
  function nameParts(place) {
    const words = place.closest("figure").querySelector("figcaption").textContent;
    for (const canvas of place.querySelectorAll("canvas:not([aria-label])")) {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", words);
    }
    for (const heading of place.querySelectorAll("h3, h4")) heading.setAttribute("role", "presentation");
  }

  const KINDS = [
    [".pb-plot", "vendor/plotly/plotly-cartesian.min.js", drawPlot],
    [".pb-view", "vendor/circuitsvis.js", drawView],
  ];

  function watch() {
    for (const [selector, file, draw] of KINDS) {
      const near = new IntersectionObserver(
        (entries) => {
          for (const { isIntersecting, target } of entries) {
            if (!isIntersecting) continue;
            near.unobserve(target);
            load(file).then(() => draw(target));
          }
        },
        { rootMargin: "600px" },
      );
      document.querySelectorAll(selector).forEach((place) => near.observe(place));
    }
    for (const range of document.querySelectorAll("input[data-plot]")) range.oninput = () => choose(range);
    if (!document.querySelector(".pb-plot")) return;
    // Once the page is there, have what draws plots at hand: printing does not wait for scripts.
    const fetchNow = () => load(KINDS[0][1]);
    if (document.readyState === "complete") fetchNow();
    else addEventListener("load", fetchNow);
  }

  function choose(range) {
    const place = document.getElementById(range.dataset.plot);
    if (!place.figure) return;
    const step = place.figure.steps[range.value];
    range.setAttribute("aria-valuetext", step.label);
    range.nextElementSibling.value = step.label;
    Plotly.restyle(place, ...step.args);
  }

  /* Paper is light, and does not scroll: every figure is drawn, and fits. */
  let theme;
  function toPaper() {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    if (!window.Plotly) return;
    for (const place of document.querySelectorAll(".pb-plot")) {
      drawPlot(place);
      Plotly.relayout(place, { autosize: false, width: PAPER });
    }
  }

  function fromPaper() {
    document.documentElement.dataset.theme = theme;
    for (const place of document.querySelectorAll(".pb-plot.js-plotly-plot")) {
      Plotly.relayout(place, { autosize: true, width: null });
    }
  }

  addEventListener("beforeprint", toPaper);
  addEventListener("afterprint", fromPaper);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", watch);
  else watch();
})();
