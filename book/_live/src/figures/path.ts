// "For whom?": path patching in a drawing of the circuit, and heads knocked out.

import type { Begin } from "../figure";
import type { Head } from "../sweeps";
import { bars, calmly, h, input, keepingPlace, labelled, map2d, percent, select, signed, still, svg } from "../ui";
import { answers, checkPair, difference, outcome, sideBySide } from "./prompted";

const DEFAULTS = {
  clean: "When Mary and John went to the park, John gave a ball to", other: "When Anna and Peter went to the park, David gave a ball to",
  right: "Mary", wrong: "John", sender: "L2H4", receivers: "L3H0 L3H2 L3H4", by: "q", press: "sender", out: "",
};
const LETTERS = [["q", "queries"], ["k", "keys"], ["v", "values"]] as const;

const begin: Begin = async (stage) => {
  const { state } = stage;
  const model = await stage.model("tiny-gpt2");
  const { n_layers, n_heads } = model.config;
  const count = n_layers * n_heads;
  const name = (head: number) => `L${Math.floor(head / n_heads)}H${head % n_heads}`;
  const layers = Array.from({ length: n_layers }, (_, layer) => `L${layer}`);
  const columns = Array.from({ length: n_heads }, (_, head) => `H${head}`);
  const pair = (head: number): Head => [Math.floor(head / n_heads), head % n_heads];
  const named = (heads: readonly number[]) => heads.map(name).join(", ");
  /** The heads in a text such as "L3H0 L3H2", those that the model has, by number. */
  const heads = (text: string): number[] => [...new Set([...text.matchAll(/L(\d+)H(\d+)/g)].filter(([, layer, head]) => Number(layer) < n_layers && Number(head) < n_heads)
    .map(([, layer, head]) => Number(layer) * n_heads + Number(head)))].sort((a, b) => a - b);
  const toggled = (key: "receivers" | "out", head: number) => {
    const its = heads(state[key]!);
    stage.set({ [key]: (its.includes(head) ? its.filter((one) => one !== head) : [...its, head].sort((a, b) => a - b)).map(name).join(" ") });
  };

  const typed = (key: string) => calmly((value: string) => stage.set({ [key]: value }));
  const fields = Object.fromEntries(["clean", "other", "right", "wrong"].map((key) => [key, input(state[key]!, typed(key))])) as Record<string, HTMLInputElement>;
  const press = select([["sender", "makes it the sender"], ["receivers", "makes it a receiver, or not"]], state.press!, (value) => stage.set({ press: value }));
  const by = select(LETTERS.map(([letter, its]) => [letter, `their ${its}`]), state.by!, (value) => stage.set({ by: value }));
  const chips = h("div", { className: "pbl-pairs" });
  const output = h("button", { type: "button", className: "pbl-output", onclick: () => stage.set({ receivers: "" }) }, "output");
  const grid = h("div");
  const lines = svg("svg", { "aria-hidden": "true" });
  const circuit = h("div", { className: "pbl-circuit" }, output, grid);
  circuit.append(lines);
  const steps = h("div");
  const knocked = h("div");
  stage.body.append(h("div", { className: "pbl-controls" },
    labelled("Clean prompt", fields.clean!, "pbl-wide"), labelled("Prompt with other names (ABC)", fields.other!, "pbl-wide"),
    labelled("Right answer", fields.right!), labelled("Wrong answer", fields.wrong!), labelled("A press on a head", press), labelled("Receivers hear it by", by)),
    chips, h("div", { className: "pbl-two" }, circuit, steps), knocked);
  let aim = () => {};
  new ResizeObserver(() => aim()).observe(circuit);

  stage.onchange = () => stage.drawing(async (late) => {
    for (const [key, field] of Object.entries(fields)) if (document.activeElement !== field) field.value = state[key]!;
    const [letter, inputs] = LETTERS.find(([its]) => its === state.by) ?? LETTERS[0];
    [press.value, by.value] = [state.press!, letter];
    const [receivers, out] = [heads(state.receivers!), heads(state.out!)];
    const sender = heads(state.sender!)[0] ?? 0;
    const { right, wrong, names } = await answers(model, state.right!, state.wrong!);
    const [clean, other] = await Promise.all([model.ask("tokens", { text: state.clean! }), model.ask("tokens", { text: state.other! })]);
    chips.replaceChildren(...sideBySide([["clean", clean], ["ABC", other]]));
    checkPair(clean, other, "ABC");
    const pos = clean.tokens.length - 1;
    const path = { tokens: clean.tokens, other: other.tokens, receivers: receivers.map(pair), letter, answers: [right, wrong] };
    const said = { pos, count: 1, answers: [right, wrong] };
    const direct = (these: readonly number[]) => model.ask("attribution", { tokens: clean.tokens, right, wrong,
      interventions: these.map((head) => ({ place: "z" as const, layer: pair(head)[0], head: pair(head)[1], from: { tokens: other.tokens } })) });
    const [base, away, table, sent, before, after] = await Promise.all([
      model.ask("likely", { tokens: clean.tokens, ...said }), model.ask("likely", { tokens: other.tokens, ...said }),
      model.ask("path", path), model.ask("pathLikely", { ...path, sender: pair(sender), count: 1 }), direct([]), direct(out),
    ]);
    if (late()) return;
    const [start, end] = [difference(base), difference(away)];
    const share = (logits: number) => (Math.abs(start - end) < 1e-6 ? 0 : (logits - start) / (start - end));
    const values = Array.from({ length: count }, (_, head) => (2 * head < table.data.length ? share(table.data[2 * head]! - table.data[2 * head + 1]!) : NaN));
    const hears = receivers.length ? `the ${inputs} of ${named(receivers)}` : "the output";
    const reaches = receivers.filter((head) => pair(head)[0] > pair(sender)[0]);
    const heard = !receivers.length || reaches.length > 0;

    // last layer on top, as the stream flows upwards
    const turned = (cell: number) => (n_layers - 1 - Math.floor(cell / n_heads)) * n_heads + (cell % n_heads);
    keepingPlace(grid, () => grid.replaceChildren(map2d({
      label: `From each head to ${hears}: share lost (−) or gained (+)`,
      rows: [...layers].reverse(), columns,
      values: Array.from(values, (_, cell) => values[turned(cell)]!), picked: [sender, ...receivers].map(turned),
      most: Math.max(0.1, ...values.map((value) => Math.abs(value) || 0)),
      cell: (row, column, value) => {
        const head = turned(row * n_heads + column);
        const role = head === sender ? ", the sender" : receivers.includes(head) ? ", a receiver" : "";
        return `${name(head)}${role}: ${Number.isNaN(value) ? "comes too late to be heard" : signed(value)}`;
      },
      pick: (cell) => (state.press === "receivers" ? toggled("receivers", turned(cell)) : stage.set({ sender: name(turned(cell)) })),
    })));
    const cells = grid.querySelectorAll<HTMLElement>("td button");
    const node = (head: number) => cells[turned(head)]!;
    for (const head of receivers) node(head).classList.add("pbl-receiver");
    node(sender).classList.add("pbl-sender");
    output.setAttribute("aria-pressed", String(!receivers.length));
    aim = draw(lines, receivers.length
      ? [...reaches.map((head): Arrow => [node(sender), node(head), 1]), ...(heard ? reaches : []).map((head): Arrow => [node(head), output, 2])]
      : [[node(sender), output, 1]]);

    const runs = [["clean", base], ["this path", sent], ["ABC", away]] as const;
    steps.replaceChildren(
      h("ol", { className: "pbl-steps" },
        h("li", {}, "Record: every head on the clean and on the ABC prompt."),
        h("li", {}, `Send: ${name(sender)} writes what it wrote on ABC; all other heads are frozen, MLPs react.`),
        h("li", {}, !receivers.length ? "Receive: the output alone hears it." : heard ? `Receive: ${named(reaches)} ${reaches.length > 1 ? "get" : "gets"} new ${inputs}; everything else runs freely.` : `${name(sender)} comes after all receivers: nothing can arrive.`)),
      bars("Logit difference", runs.map(([its, run]) => [its, difference(run), signed(difference(run))])), outcome(names, runs));
    if (!still()) [...steps.querySelectorAll<HTMLElement>("li, .pbl-bars tr:nth-child(2)")].forEach((one, i) => (one.style.animation = `pbl-in .35s ${i * 0.6}s both`));

    const [old, now] = [before.heads.flat(), after.heads.flat()];
    const most = Math.max(...[...old, ...now].map(Math.abs)) || 1;
    const lead = after.lens.at(-1)!;
    const pick = (cell: number) => toggled("out", cell);
    keepingPlace(knocked, () => knocked.replaceChildren(
      h("p", {}, h("strong", {}, "Knock out"), ` Press heads: they then write what they wrote on ABC, and everybody may react. `
        + (out.length ? `Without ${named(out)} the logit difference is ${signed(lead)} in place of ${signed(start)}. Heads that cannot hear of it change, too: the final LayerNorm divides by another scale.` : "")),
      h("div", { className: "pbl-two" },
        map2d({ label: `Direct effect of each head, in logits${out.length ? `, ${named(out)} knocked out` : ""}`, rows: layers, columns, values: now, most, picked: out, pick,
          cell: (row, column, value) => `L${row}H${column}${out.includes(row * n_heads + column) ? ", knocked out" : ""}: ${signed(value)}` }),
        map2d({ label: "Change of the direct effect", rows: layers, columns, values: now.map((value, head) => value - old[head]!), most }))));
    for (const head of out) knocked.querySelectorAll("td button")[head]!.classList.add("pbl-gone");

    const known = values.map((value, head) => ({ value, head })).filter(({ value }) => !Number.isNaN(value)).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const others = now.map((value, head) => ({ change: value - old[head]!, head })).filter(({ head }) => !out.includes(head)).sort((a, b) => Math.abs(b.change) - Math.abs(a.change))[0];
    stage.say((heard ? `On the path from ${name(sender)} to ${hears}, ${percent(Math.abs(share(difference(sent))))} of the answer is ${difference(sent) < start ? "lost" : "gained"}: the logit difference goes from ${signed(start)} to ${signed(difference(sent))}; it is ${signed(end)} on ABC. `
      : `${name(sender)} comes after ${named(receivers)}: nothing can arrive. `)
      + (known.length ? `Of all senders ${known.slice(0, 3).map(({ value, head }) => `${name(head)} (${signed(value)})`).join(", ")} matter most there. ` : "")
      + (out.length && others ? `With ${named(out)} knocked out the logit difference is ${signed(lead)}; the direct effect of ${name(others.head)} changes most, by ${signed(others.change)}.` : ""));
  });
  stage.show();
  await stage.onchange();
};

export default { begin, DEFAULTS };

type Arrow = readonly [from: HTMLElement, to: HTMLElement, step: number];

/** Draws arrows between elements, one step after another; gives a function that aims them again. */
function draw(lines: SVGSVGElement, arrows: readonly Arrow[]): () => void {
  const tip = svg("marker", { id: "pbl-tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" },
    svg("path", { d: "M0 0L8 4L0 8z" }));
  const paths = arrows.map(([, , step]) => svg("path", { pathLength: 1, "marker-end": "url(#pbl-tip)", style: still() ? "" : `animation: pbl-draw .6s ${step * 0.6}s both` }));
  lines.replaceChildren(svg("defs", {}, tip), ...paths);
  const aim = () => {
    const box = lines.getBoundingClientRect();
    arrows.forEach(([from, to], i) => {
      const [a, b] = [from.getBoundingClientRect(), to.getBoundingClientRect()];
      const [x, y] = [a.x + a.width / 2 - box.x, a.top - box.y];
      const [u, v] = [b.x + b.width / 2 - box.x, b.bottom - box.y + 2];
      const bend = (y - v) / 2;
      paths[i]!.setAttribute("d", `M${x} ${y}C${x} ${y - bend} ${u} ${v + bend} ${u} ${v}`);
    });
  };
  aim();
  return aim;
}
