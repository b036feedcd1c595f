// A part of the page that follows the server: each event brings its HTML, which the server has escaped.
const part = document.querySelector("[data-live]");
const source = new EventSource(part.dataset.live);
source.onmessage = (event) => {
  const open = document.activeElement?.getAttribute("aria-label");
  const places = [...part.querySelectorAll(".scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
  part.innerHTML = event.data;
  part.querySelectorAll(".scroll").forEach((box, i) => box.scrollTo(...(places[i] ?? [0, 0])));
  if (open) part.querySelector(`[aria-label="${CSS.escape(open)}"]`)?.focus({ preventScroll: true });
};
source.addEventListener("done", () => {
  source.close();
  location.reload();
});
