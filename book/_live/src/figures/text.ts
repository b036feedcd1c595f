// "Type a text": its tokens, what comes next, and where every head looks.

import type { Begin } from "../figure";
import { bars, calmly, h, ink, labelled, percent, select, shown } from "../ui";

const DEFAULTS = { model: "tiny-gpt2", text: "When Mary and John went to the park, John gave a ball to", at: "", head: "" };

const begin: Begin = async (stage) => {
  const { state } = stage;
  let model = await stage.model(state.model!);
  const text = h("textarea", { rows: 2, value: state.text, spellcheck: false, oninput: calmly(() => stage.set({ text: text.value, at: "" })) });
  const which = select([["tiny-gpt2", "tiny-gpt2"], ["tiny-attn-only", "tiny-attn-only"]], state.model!, (name) => stage.set({ model: name, head: "" }));
  const random = h("button", { type: "button", onclick: async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const { text: drawn } = await model.ask("repeated", { count: 10, seed });
    stage.set({ text: drawn, at: "" });
  } }, "Random tokens, twice");
  const chips = h("div", { className: "pbl-chips", role: "group", "aria-label": "tokens: pick the one to read from" });
  const next = h("div");
  const heads = h("div", { className: "pbl-heads", role: "group", "aria-label": "every head's attention pattern: pick one to pin it" });
  const pinned = h("div", { className: "pbl-pinned" });
  stage.body.append(
    h("div", { className: "pbl-controls" }, labelled("Text", text, "pbl-wide"), labelled("Model", which), random),
    chips, h("div", { className: "pbl-two" }, h("div", {}, next, pinned), heads));

  const draw = () => stage.drawing(async (late) => {
    if (model.config.name !== state.model) model = await stage.model(state.model!);
    const { n_layers, n_heads, n_ctx } = model.config;
    if (document.activeElement !== text) text.value = state.text!;
    which.value = state.model!;
    const { tokens, texts } = await model.ask("tokens", { text: state.text! });
    const n = tokens.length;
    const at = Math.min(state.at === "" ? n - 1 : Number(state.at) || 0, n - 1);
    const [{ likely }, patterns] = await Promise.all([
      model.ask("likely", { tokens, pos: at, count: 8 }), model.ask("patterns", { tokens }),
    ]);
    if (late()) return;
    const size = n * n;
    const stripes = Array.from({ length: n_layers * n_heads }, (_, i) => stripe(patterns.subarray(i * size, (i + 1) * size), tokens));
    const best = stripes.indexOf(Math.max(...stripes));
    const asked = (otherwise: number) => {
      const chosen = /^L(\d+)H(\d+)$/.exec(state.head!);
      return chosen ? Math.min(Number(chosen[1]) * n_heads + Number(chosen[2]), n_layers * n_heads - 1) : otherwise;
    };
    const pin = asked(stripes[best]! > 0.3 ? best : farthest(patterns, n, at, (n_layers - 1) * n_heads, n_heads));
    const name = (i: number) => `L${Math.floor(i / n_heads)}H${i % n_heads}`;
    const pattern = patterns.subarray(pin * size, (pin + 1) * size);
    const looks = pattern.subarray(at * n, (at + 1) * n);

    // keys move on from what is asked for, which need not be drawn yet
    chips.onkeydown = (event) => {
      const from = state.at === "" ? n - 1 : Number(state.at) || 0;
      const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: n - 1 }[event.key];
      if (to === undefined || to < 0 || to >= n) return;
      event.preventDefault();
      stage.set({ at: String(to) });
    };
    heads.onkeydown = (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -n_heads, ArrowDown: n_heads }[event.key];
      const to = asked(pin) + by!;
      if (!(to >= 0 && to < n_layers * n_heads)) return;
      event.preventDefault();
      stage.set({ head: name(to) });
    };
    const focused = chips.contains(document.activeElement);
    chips.replaceChildren(...texts.map((token, pos) => {
      const { fill, text: colour } = ink(looks[pos]!);
      const chip = h("button", { type: "button", tabIndex: pos === at ? 0 : -1, "aria-pressed": String(pos === at),
        "aria-label": `token ${pos}, ${shown(token)}; ${name(pin)} looks at it with ${percent(looks[pos]!)}`,
        onclick: () => stage.set({ at: String(pos) }),
        onmouseenter: () => pos !== at && !matchMedia("(hover: none)").matches && hover(pos),
      }, shown(token));
      chip.style.cssText = `background:${fill};color:${colour}`;
      return chip;
    }));
    if (focused) (chips.children[at] as HTMLElement).focus();
    next.replaceChildren(bars(`What comes after ${shown(texts[at]!)}?`, likely.map((one) => [shown(one.text), one.probability, percent(one.probability)]), 1));

    const inHeads = [...heads.querySelectorAll("button")].indexOf(document.activeElement as HTMLButtonElement);
    heads.style.gridTemplateColumns = `auto repeat(${n_heads}, minmax(2rem, 5rem))`;
    heads.replaceChildren(h("span"), ...Array.from({ length: n_heads }, (_, head) => h("span", { className: "pbl-axis" }, `H${head}`)),
      ...Array.from({ length: n_layers * n_heads }, (_, i) => [
        ...(i % n_heads ? [] : [h("span", { className: "pbl-axis" }, `L${i / n_heads}`)]),
        h("button", { type: "button", tabIndex: i === pin ? 0 : -1, "aria-pressed": String(i === pin), title: name(i),
          "aria-label": `${name(i)}, induction stripe ${percent(stripes[i]!)}`,
          onclick: () => stage.set({ head: name(i) }),
        }, canvas(patterns.subarray(i * size, (i + 1) * size), n, -1, 1)),
      ]).flat());
    if (inHeads >= 0) heads.querySelectorAll("button")[pin]!.focus();

    const big = canvas(pattern, n, at, Math.max(4, Math.floor(320 / n)));
    big.setAttribute("role", "img");
    big.setAttribute("aria-label", `Attention of ${name(pin)}: rows look, columns are looked at`);
    big.onclick = (event) => stage.set({ at: String(Math.floor((event.offsetY / big.clientHeight) * n)) });
    pinned.replaceChildren(h("p", {}, h("strong", {}, name(pin)), stripes[pin]! > 0.3 ? ` · induction stripe ${percent(stripes[pin]!)}` : ""), big);

    const most = Array.from(looks.keys()).sort((a, b) => looks[b]! - looks[a]!)[0]!;
    const strong = stripes.flatMap((value, i) => (value > 0.5 ? [name(i)] : []));
    stage.say(`${n} token${n > 1 ? "s" : ""}${n === n_ctx ? ", the most the model reads" : ""}. After ${shown(texts[at]!)} the likeliest token is ${shown(likely[0]!.text)}, ${percent(likely[0]!.probability)}. `
      + `From there ${name(pin)} looks most at token ${most}, ${shown(texts[most]!)}, with ${percent(looks[most]!)}.`
      + (strong.length ? ` An induction stripe stands in ${strong.join(", ")}: these heads look at what followed the same token before.` : ""));
  });
  const hover = calmly((pos: number) => stage.set({ at: String(pos) }), 120);
  stage.onchange = draw;
  stage.show();
  await draw();
};

export default { begin, DEFAULTS };

/** Mean attention to what followed the same token's last occurrence; 0 where nothing is said twice. */
function stripe(pattern: Float32Array, tokens: readonly number[]): number {
  const n = tokens.length;
  let sum = 0, count = 0;
  for (let pos = 1; pos < n; pos++) {
    const before = tokens.lastIndexOf(tokens[pos]!, pos - 1);
    if (before < 0) continue;
    sum += pattern[pos * n + before + 1]!;
    count++;
  }
  return count < 3 ? 0 : sum / count;
}

/** Of some heads the one that looks most at one token that is neither the first nor the one it looks from. */
function farthest(patterns: Float32Array, n: number, at: number, from: number, count: number): number {
  let [best, most] = [from, -1];
  for (let head = from; head < from + count; head++) {
    for (let key = 1; key < at; key++) {
      const look = patterns[(head * n + at) * n + key]!;
      if (look > most) [best, most] = [head, look];
    }
  }
  return best;
}

/** A pattern as pixels; a frame around the row that is read from. */
function canvas(pattern: Float32Array, n: number, row: number, scale: number): HTMLCanvasElement {
  const made = h("canvas", { width: n * scale, height: n * scale });
  const brush = made.getContext("2d")!;
  for (let query = 0; query < n; query++) {
    for (let key = 0; key < n; key++) {
      brush.fillStyle = key > query ? "transparent" : ink(pattern[query * n + key]!).fill;
      brush.fillRect(key * scale, query * scale, scale, scale);
    }
  }
  if (row >= 0) {
    brush.strokeStyle = ink(-1).fill;
    brush.lineWidth = 2;
    brush.strokeRect(1, row * scale + 1, n * scale - 2, scale - 2);
  }
  return made;
}
