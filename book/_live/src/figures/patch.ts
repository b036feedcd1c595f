// "Patch it": two prompts, a map of patches, and what one patch does.

import type { Begin } from "../figure";
import type { Place } from "../run";
import type { Axis } from "../sweeps";
import { calmly, h, input, labelled, map2d, percent, select, shown, signed, still, titled } from "../ui";
import { answers } from "./prompted";

export const DEFAULTS = {
  clean: "When Mary and John went to the park, John gave a ball to", corrupted: "When Mary and John went to the park, Mary gave a ball to",
  right: "Mary", wrong: "John", what: "resid_pre", way: "denoise", cell: "",
};
const PLACES: readonly (readonly [Place, string])[] = [
  ["resid_pre", "stream before a layer, by position"], ["attn_out", "attention's output, by position"], ["mlp_out", "MLP's output, by position"],
  ["z", "a head's output"], ["q", "a head's queries"], ["k", "a head's keys"], ["v", "a head's values"], ["pattern", "a head's pattern"],
];

export const begin: Begin = async (stage) => {
  const { state } = stage;
  const model = await stage.model("tiny-gpt2");
  const typed = (key: string) => calmly((value: string) => stage.set({ [key]: value, cell: "" }));
  const fields = Object.fromEntries(["clean", "corrupted", "right", "wrong"].map((key) => [key, input(state[key]!, typed(key))])) as Record<string, HTMLInputElement>;
  const what = select(PLACES, state.what!, (value) => stage.set({ what: value, cell: "" }));
  const way = select([["denoise", "clean into corrupted (denoising)"], ["noise", "corrupted into clean (noising)"]], state.way!, (value) => stage.set({ way: value }));
  const chips = h("div", { className: "pbl-pairs" });
  const map = h("div");
  const detail = h("div", { className: "pbl-detail" });
  stage.body.append(h("div", { className: "pbl-controls" },
    labelled("Clean prompt", fields.clean!, "pbl-wide"), labelled("Corrupted prompt", fields.corrupted!, "pbl-wide"),
    labelled("Right answer", fields.right!), labelled("Wrong answer", fields.wrong!), labelled("Patch", what), labelled("Way", way)), chips, map, detail);

  stage.onchange = () => stage.drawing(async (late) => {
    for (const [key, field] of Object.entries(fields)) if (document.activeElement !== field) field.value = state[key]!;
    [what.value, way.value] = [state.what!, state.way!];
    const { right, wrong, names } = await answers(model, state.right!, state.wrong!);
    const [clean, corrupted] = await Promise.all([model.ask("tokens", { text: state.clean! }), model.ask("tokens", { text: state.corrupted! })]);
    const n = clean.tokens.length;
    const differ = clean.texts.map((text, pos) => text !== corrupted.texts[pos]);
    chips.replaceChildren(...([["clean", clean], ["corrupted", corrupted]] as const).map(([name, its]) =>
      h("p", {}, h("strong", {}, name), " ", ...its.texts.map((text, pos) => h(differ[pos] ? "mark" : "span", {}, shown(text))))));
    if (corrupted.tokens.length !== n) {
      map.replaceChildren();
      detail.replaceChildren();
      throw new Error(`The clean prompt has ${n} tokens and the corrupted one ${corrupted.tokens.length}. A patch needs the same number: change a word for another of one token.`);
    }
    if (!differ.includes(true)) {
      map.replaceChildren();
      detail.replaceChildren();
      throw new Error("The two prompts are the same: no patch can change anything. Change a word in one of them.");
    }
    const denoise = state.way !== "noise";
    const [base, from] = denoise ? [corrupted, clean] : [clean, corrupted];
    const place = (PLACES.find(([name]) => name === state.what) ?? PLACES[0]!)[0];
    const byHead = ["z", "q", "k", "v", "pattern"].includes(place);
    const axes: Axis[] = byHead ? ["layer", "head"] : ["layer", "pos"];
    const ask = (tokens: number[]) => model.ask("likely", { tokens, pos: n - 1, count: 5, answers: [right, wrong] });
    const [before, source, table] = await Promise.all([ask(base.tokens), ask(from.tokens),
      model.ask("sweeps", { tokens: base.tokens, from: { tokens: from.tokens }, places: [place], axes, answers: [right, wrong] })]);
    if (late()) return;
    const difference = (logits: number[]) => logits[0]! - logits[1]!;
    const [start, end] = [difference(before.logits), difference(source.logits)];
    const way_ = end - start;
    const share = (x: number) => (Math.abs(way_) < 1e-6 ? 0 : (x - start) / way_);
    const values = Array.from({ length: table.data.length / 2 }, (_, i) => share(table.data[2 * i]! - table.data[2 * i + 1]!));
    const columns = byHead ? Array.from({ length: model.config.n_heads }, (_, head) => `H${head}`) : base.texts.map((text, pos) => (differ[pos] ? `${shown(text)}→${shown(from.texts[pos]!)}` : shown(text)));
    const rows = Array.from({ length: model.config.n_layers }, (_, layer) => `L${layer}`);
    const picked = state.cell === "" ? undefined : Math.min(Number(state.cell) || 0, values.length - 1);
    const focused = map.contains(document.activeElement);
    const scrolled = map.querySelector(".pbl-scroll")?.scrollLeft ?? 0;
    map.replaceChildren(map2d({
      label: `Share of the way from the ${denoise ? "corrupted" : "clean"} to the ${denoise ? "clean" : "corrupted"} run's logit difference`,
      rows, columns, values, most: 1, picked, tall: !byHead, pick: (cell) => stage.set({ cell: String(cell) }),
    }));
    if (focused) map.querySelector<HTMLElement>('button[tabindex="0"]')?.focus();
    map.querySelector(".pbl-scroll")!.scrollLeft = scrolled;
    const best = values.indexOf(Math.max(...values));
    const named = (cell: number) => byHead ? `L${Math.floor(cell / columns.length)}H${cell % columns.length}` : `layer ${Math.floor(cell / columns.length)}, token ${cell % columns.length} (${shown(base.texts[cell % columns.length]!)})`;
    const summary = `Logit difference of ${shown(names[0])} and ${shown(names[1])}: ${signed(start)} unpatched, ${signed(end)} in the run that patches come from. The strongest patch is ${named(best)}: ${signed(values[best]!)} of the way.`;
    if (picked === undefined) {
      detail.replaceChildren(h("p", { className: "pbl-note" }, "Pick a cell to see what its patch does to the stream and to the answer."));
      stage.say(summary);
      return;
    }
    const layer = Math.floor(picked / columns.length);
    const interventions = [{ place, layer, [byHead ? "head" : "pos"]: picked % columns.length, from: { tokens: from.tokens } }];
    const [after, moved] = await Promise.all([
      model.ask("likely", { tokens: base.tokens, interventions, pos: n - 1, count: 5, answers: [right, wrong] }),
      model.ask("moved", { tokens: base.tokens, interventions }),
    ]);
    if (late()) return;
    const flow = map2d({ label: "How far the stream moved, as a share of its length: it flows down and to the right", rows: [...rows, "end"],
      columns: base.texts.map(shown), values: moved, most: Math.max(0.3, ...moved), tall: true });
    const runs = [["unpatched", before], ["patched", after], [denoise ? "clean" : "corrupted", source]] as const;
    const cells = (row: (its: typeof before) => string) => runs.map(([, its]) => h("td", {}, row(its)));
    const numbers = titled("What becomes of the answer", true, h("table", { className: "pbl-plain", "aria-label": "What becomes of the answer" },
      h("thead", {}, h("tr", {}, h("td"), ...runs.map(([name]) => h("th", { scope: "col" }, name)))),
      h("tbody", {},
        h("tr", {}, h("th", { scope: "row" }, `P(${shown(names[0])})`), ...cells((its) => percent(its.answers[0]!))),
        h("tr", {}, h("th", { scope: "row" }, `P(${shown(names[1])})`), ...cells((its) => percent(its.answers[1]!))),
        h("tr", {}, h("th", { scope: "row" }, "logit difference"), ...cells((its) => signed(difference(its.logits)))),
        h("tr", {}, h("th", { scope: "row" }, "likeliest"), ...cells((its) => its.likely.slice(0, 3).map((one) => shown(one.text)).join(" "))))));
    detail.replaceChildren(h("p", {}, h("strong", {}, named(picked)), `: ${signed(values[picked]!)} of the way`), numbers, flow);
    if (!still()) [...flow.querySelectorAll<HTMLElement>("tbody tr")].forEach((row, i) => (row.style.animation = `pbl-in .35s ${i * 0.18}s both`));
    stage.say(`With ${named(picked)} patched, ${shown(names[0])} has ${percent(after.answers[0]!)} and ${shown(names[1])} ${percent(after.answers[1]!)}; the logit difference is ${signed(difference(after.logits))}, ${signed(values[picked]!)} of the way. ${summary}`);
  });
  stage.show();
  await stage.onchange();
};
