/* For the keyboard: what scrolls inside of the page can be reached and moved. For paper: hints are open. */
(() => {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.pb-hint:not([open])")];
    for (const hint of opened) hint.open = true;
  });
  addEventListener("afterprint", () => {
    for (const hint of opened) hint.open = false;
  });
  function reach() {
    for (const box of document.querySelectorAll("main :is(pre, table, .math, .pb-figure, .pb-figure > div:not(.pb-plot))")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  }
  // As soon as there is something to read, at any width that it gets, and when fonts and pictures are there.
  document.addEventListener("DOMContentLoaded", () => new ResizeObserver(reach).observe(document.querySelector("main")));
  addEventListener("load", reach);
  document.addEventListener("toggle", reach, true);
})();
