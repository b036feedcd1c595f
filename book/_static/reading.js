/* For the keyboard: what scrolls inside of the page can be reached and moved. */
(() => {
  function reach() {
    for (const box of document.querySelectorAll("main :is(pre, table, .math, .pb-figure, .pb-figure > div:not(.pb-plot))")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    }
  }
  addEventListener("load", reach);
  addEventListener("resize", reach);
  document.addEventListener("toggle", reach, true);
})();
