// "Who writes the answer": a logit difference as a sum, part by part, b_U among them.

import type { Begin } from "../figure";
import { bars, calmly, h, input, labelled, map2d, shown, signed } from "../ui";
import { answers } from "./prompted";

const DEFAULTS = { prompt: "When Mary and John went to the park, John gave a ball to", right: "Mary", wrong: "John", part: "" };

const begin: Begin = async (stage) => {
  const { state } = stage;
  const model = await stage.model("tiny-gpt2");
  const typed = (key: string) => calmly((value: string) => stage.set({ [key]: value, part: "" }));
  const fields = { prompt: input(state.prompt!, typed("prompt")), right: input(state.right!, typed("right")), wrong: input(state.wrong!, typed("wrong")) };
  const result = h("div", { className: "pbl-two" });
  stage.body.append(h("div", { className: "pbl-controls" }, labelled("Prompt", fields.prompt, "pbl-wide"),
    labelled("Right answer", fields.right), labelled("Wrong answer", fields.wrong)), result);

  stage.onchange = () => stage.drawing(async (late) => {
    for (const [key, field] of Object.entries(fields)) if (document.activeElement !== field) field.value = state[key]!;
    const { right, wrong, names } = await answers(model, state.right!, state.wrong!);
    const { tokens } = await model.ask("tokens", { text: state.prompt! });
    const [parts, { logits }, patterns, { texts }] = await Promise.all([
      model.ask("attribution", { tokens, right, wrong }),
      model.ask("likely", { tokens, pos: tokens.length - 1, count: 1, answers: [right, wrong] }),
      model.ask("patterns", { tokens }), model.ask("tokens", { text: state.prompt! }),
    ]);
    if (late()) return;
    const { n_layers, n_heads } = model.config;
    const columns = [...Array.from({ length: n_heads }, (_, head) => `H${head}`), "MLP", "b_O"];
    const values = parts.heads.flatMap((row, layer) => [...row, parts.mlps[layer]!, parts.attention_biases[layer]!]);
    const picked = state.part === "" ? undefined : Number(state.part);
    const sum = (xs: number[]) => xs.reduce((a, b) => a + b, 0);
    const total = parts.embedding + sum(values) + parts.unembedding_bias;
    const truth = logits[0]! - logits[1]!;
    const focused = result.contains(document.activeElement);
    const map = map2d({
      label: `What each part writes for ${shown(names[0])} over ${shown(names[1])}, in logits`,
      rows: Array.from({ length: n_layers }, (_, layer) => `L${layer}`), columns, values, picked,
      pick: (cell) => stage.set({ part: String(cell) }),
    });
    const attention = (layer: number) => sum(parts.heads[layer]!) + parts.attention_biases[layer]!;
    const rows: [string, number][] = [["embedding", parts.embedding],
      ...Array.from({ length: n_layers }, (_, layer): [string, number][] => [[`attention ${layer}`, attention(layer)], [`MLP ${layer}`, parts.mlps[layer]!]]).flat(),
      ["b_U", parts.unembedding_bias], ["sum", total]];
    const look = picked !== undefined && picked % columns.length < n_heads ? looked(patterns, tokens.length, Math.floor(picked / columns.length) * n_heads + (picked % columns.length)) : null;
    const looks = look ? `L${Math.floor(picked! / columns.length)}${columns[picked! % columns.length]} looks from the last token at ` + look.slice(0, 3).map(([pos, share]) => `${shown(texts[pos]!)} (${(100 * share).toFixed(0)} %)`).join(", ") + ". " : "";
    result.replaceChildren(
      h("div", {}, map, h("p", { className: "pbl-note" }, looks || "Pick a head to see where it looks from the last token.")),
      bars("The parts, layer by layer, and their sum", rows.map(([name, value]) => [name, value, signed(value)])));
    if (focused) result.querySelector<HTMLElement>('button[tabindex="0"]')?.focus();
    const top = values.map((value, i) => ({ value, i })).sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 3)
      .map(({ value, i }) => `L${Math.floor(i / columns.length)} ${columns[i % columns.length]} (${signed(value)})`);
    stage.say(`${looks}The parts add up to ${signed(total, 3)} logits; the model's own difference of ${shown(names[0])} and ${shown(names[1])} is ${signed(truth, 3)}. `
      + `The largest shares are ${top.join(", ")}. b_U, which stands outside the stream, adds ${signed(parts.unembedding_bias, 3)}: without it the sum would be ${signed(total - parts.unembedding_bias, 3)}.`);
  });
  stage.show();
  await stage.onchange();
};

export default { begin, DEFAULTS };

/** Where a head looks from the last token, most first. */
function looked(patterns: Float32Array, n: number, head: number): [number, number][] {
  const row = patterns.subarray((head * n + n - 1) * n, (head * n + n) * n);
  return Array.from(row, (share, pos): [number, number] => [pos, share]).sort((a, b) => b[1] - a[1]);
}
