// "Patch it": two prompts, a map of patches, and what one patch does.

import type { Begin } from "../figure";
import type { Place } from "../run";
import type { Axis } from "../sweeps";
import { calmly, h, input, keepingPlace, labelled, map2d, percent, select, shown, signed, still } from "../ui";
import { answers, checkPair, difference, differing, outcome, sideBySide } from "./prompted";

const DEFAULTS = {
  clean: "When Mary and John went to the park, John gave a ball to", corrupted: "When Mary and John went to the park, Mary gave a ball to",
  right: "Mary", wrong: "John", what: "resid_pre", way: "denoise", cell: "",
};
const PLACES: readonly (readonly [Place, string])[] = [
  ["resid_pre", "stream before a layer, by position"], ["attn_out", "attention's output, by position"], ["mlp_out", "MLP's output, by position"],
  ["z", "a head's output"], ["q", "a head's queries"], ["k", "a head's keys"], ["v", "a head's values"], ["pattern", "a head's pattern"],
];

const begin: Begin = async (stage) => {
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
    const differ = differing(clean, corrupted);
    chips.replaceChildren(...sideBySide([["clean", clean], ["corrupted", corrupted]]));
    try {
      checkPair(clean, corrupted, "corrupted");
    } catch (error) {
      map.replaceChildren();
      detail.replaceChildren();
      throw error;
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
    const [start, end] = [difference(before), difference(source)];
    const way_ = end - start;
    const share = (x: number) => (Math.abs(way_) < 1e-6 ? 0 : (x - start) / way_);
    const values = Array.from({ length: table.data.length / 2 }, (_, i) => share(table.data[2 * i]! - table.data[2 * i + 1]!));
    const columns = byHead ? Array.from({ length: model.config.n_heads }, (_, head) => `H${head}`) : base.texts.map((text, pos) => (differ[pos] ? `${shown(text)}→${shown(from.texts[pos]!)}` : shown(text)));
    const rows = Array.from({ length: model.config.n_layers }, (_, layer) => `L${layer}`);
    const picked = state.cell === "" ? undefined : Math.min(Number(state.cell) || 0, values.length - 1);
    keepingPlace(map, () => map.replaceChildren(map2d({
      label: `Share of the way from the ${denoise ? "corrupted" : "clean"} to the ${denoise ? "clean" : "corrupted"} run's logit difference`,
      rows, columns, values, most: 1, picked, tall: !byHead, pick: (cell) => stage.set({ cell: String(cell) }),
    })));
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
    const numbers = outcome(names, [["unpatched", before], ["patched", after], [denoise ? "clean" : "corrupted", source]]);
    detail.replaceChildren(h("p", {}, h("strong", {}, named(picked)), `: ${signed(values[picked]!)} of the way`), numbers, flow);
    if (!still()) [...flow.querySelectorAll<HTMLElement>("tbody tr")].forEach((row, i) => (row.style.animation = `pbl-in .35s ${i * 0.18}s both`));
    stage.say(`With ${named(picked)} patched, ${shown(names[0])} has ${percent(after.answers[0]!)} and ${shown(names[1])} ${percent(after.answers[1]!)}; the logit difference is ${signed(difference(after))}, ${signed(values[picked]!)} of the way. ${summary}`);
  });
  stage.show();
  await stage.onchange();
};

export default { begin, DEFAULTS };
