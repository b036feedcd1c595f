// "The days' circle": where the stream points to among the seven days, layer by layer.

import { softmax } from "../arithmetic";
import type { Begin } from "../figure";
import { calmly, h, input, keepingPlace, labelled, map2d, percent, select, shown, svg } from "../ui";
import { centre, neighbours, plane as planeOf, type Point } from "./plane";

const DEFAULTS = { text: "Today it is {}, tomorrow it is", day: "Sunday", at: "end", plane: "unembedding", after: "" };
const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const STEPS = ["today", "+1", "+2", "+3", "−3", "−2", "−1"];
const TEXTS = ["Today it is {}, tomorrow it is", "Today it is {} so tomorrow it is", "Today it is {}, yesterday it was", "Today it is {}. In two days it will be"];
const REACH = 100; // of 160

const begin: Begin = async (stage) => {
  const { state } = stage;
  const model = await stage.model("tiny-gpt2");
  const { n_layers, d_model } = model.config;
  const stations = ["embed", ...Array.from({ length: n_layers }, (_, layer) => [`attn ${layer}`, `MLP ${layer}`]).flat()];
  const text = input(state.text!, calmly((value: string) => stage.set({ text: value })));
  const examples = select([["", "your own"], ...TEXTS.map((its): [string, string] => [its, its.replace("{}", "…")])], state.text!, (value) => value && stage.set({ text: value }));
  const at = select([["end", "the last token"], ["today", "the day"]], state.at!, (value) => stage.set({ at: value }));
  const which = select([["unembedding", "in which the days' unembeddings differ"], ["stream", "in which these seven streams differ"]], state.plane!, (value) => stage.set({ plane: value }));
  const slider = h("input", { type: "range", min: "0", max: String(stations.length - 1), oninput: () => stage.set({ after: slider.value }) });
  const asked = () => Math.max(0, DAYS.indexOf(state.day!));
  const week = h("div", { className: "pbl-chips", role: "group", "aria-label": "today: pick a day, or move with the arrow keys",
    onkeydown: (event: KeyboardEvent) => { // from the day that is asked for, which need not be drawn yet
      const by = { ArrowLeft: 6, ArrowUp: 6, ArrowRight: 1, ArrowDown: 1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      stage.set({ day: DAYS[(asked() + by) % 7]! });
    } });
  const targets = svg("g", { class: "pbl-targets" });
  const trail = svg("polyline");
  const dots = DAYS.map((day) => svg("g", {}, svg("circle", { r: 5 }), named(day, 8, 4)));
  const drawing = svg("svg", { viewBox: "-160 -160 320 320", role: "img", class: "pbl-plane" }, svg("circle", { r: 1.5 }), targets, trail, ...dots);
  const note = h("p", { className: "pbl-note" });
  const table = h("div", { className: "pbl-tight" });
  stage.body.append(h("div", { className: "pbl-controls" }, labelled("Sentence, with {} for today", text, "pbl-wide"), labelled("Examples", examples), labelled("Stream at", at), labelled("Plane", which)),
    week, h("div", { className: "pbl-two" }, h("div", {}, labelled("After", slider, "pbl-wide"), drawing, note), table));

  stage.onchange = () => stage.drawing(async (late) => {
    if (document.activeElement !== text) text.value = state.text!;
    examples.value = TEXTS.includes(state.text!) ? state.text! : "";
    [at.value, which.value] = [state.at!, state.plane!];
    if (!state.text!.includes("{}")) throw new Error("Write {} where the day stands in the sentence.");
    const today = asked();
    const prompts = await Promise.all(DAYS.map((day) => model.ask("tokens", { text: state.text!.replace("{}", day) })));
    const words = await Promise.all(DAYS.map(async (day) => (await model.ask("tokens", { text: ` ${day}`, bos: false })).tokens[0]!));
    const [first, second] = [prompts[0]!.tokens, prompts[1]!.tokens];
    if (prompts.some(({ tokens }) => tokens.length !== first.length)) throw new Error("A day is one token only behind a space: write a space before {}.");
    const end = first.length - 1;
    const pos = state.at === "today" ? first.findIndex((token, i) => token !== second[i]) : end;
    const [read, said] = await Promise.all([
      model.ask("stations", { prompts: prompts.map(({ tokens }) => tokens), pos, words }),
      Promise.all(prompts.map(({ tokens }) => model.ask("likely", { tokens, pos: end, count: 1, answers: words }))),
    ]);
    if (late()) return;
    const after = state.after === "" ? stations.length - 1 : Math.min(Number(state.after) || 0, stations.length - 1);
    const row = (all: Float32Array, i: number, width: number) => all.subarray(i * width, (i + 1) * width);
    const stream = (day: number, station: number) => row(read.streams, day * stations.length + station, d_model);
    const unembeddings = DAYS.map((_, day) => row(read.unembeddings, day, d_model));
    const here = DAYS.map((_, day) => stream(day, after));
    const own = state.plane === "stream";
    const flat = planeOf(own ? here : unembeddings);
    const middle = own ? centre(here) : undefined;
    const points = (station: number) => DAYS.map((_, day) => flat.project(stream(day, station), middle));
    const all = (own ? [after] : [...stations.keys()]).flatMap(points);
    const reach = REACH / (Math.max(...all.map(([x, y]) => Math.hypot(x, y))) || 1);
    const place = ([x, y]: Point, scale = reach): Point => [x * scale, -y * scale];

    const focused = week.contains(document.activeElement);
    week.replaceChildren(...DAYS.map((day, i) => h("button", { type: "button", tabIndex: i === today ? 0 : -1, "aria-pressed": String(i === today),
      onclick: () => stage.set({ day }) }, day)));
    if (focused) (week.children[today] as HTMLElement).focus();
    slider.value = String(after);
    slider.setAttribute("aria-valuetext", stations[after]!);
    slider.previousElementSibling!.textContent = `After ${stations[after]!}`;

    const targeted = own ? [] : unembeddings.map((one) => flat.project(one, centre(unembeddings)));
    const longest = Math.max(...targeted.map(([x, y]) => Math.hypot(x, y)));
    targets.replaceChildren(...targeted.map((point, i) => {
      const [x, y] = place(point, (REACH + 40) / longest);
      return svg("g", {}, svg("line", { x2: 0.9 * x, y2: 0.9 * y }), named(DAYS[i]!, x, y + 4, "middle"));
    }));
    points(after).forEach((point, i) => {
      const [x, y] = place(point);
      dots[i]!.style.transform = `translate(${x}px, ${y}px)`;
      dots[i]!.setAttribute("class", i === today ? "pbl-today" : "");
    });
    drawing.append(dots[today]!); // on top
    trail.setAttribute("points", own ? "" : Array.from({ length: after + 1 }, (_, station) => place(points(station)[today]!).join()).join(" "));

    const shares = stations.map((_, station) => Array.from(softmax(row(read.logits, today * stations.length + station, 7))));
    const likeliest = (shares: number[]) => shares.indexOf(Math.max(...shares));
    const leads = shares.map(likeliest);
    const step = (day: number, from = today) => STEPS[(day - from + 7) % 7]!;
    const last = leads.at(-1)!;
    const since = leads.reduce((at, day, station) => (day === last ? at : station + 1), 0);
    keepingPlace(table, () => table.replaceChildren(map2d({
      label: `Share among the seven days, if the stream at ${shown(prompts[today]!.texts[pos]!)} were read after each part`,
      rows: stations, columns: DAYS.map((day, i) => `${day.slice(0, 3)}\n${step(i)}`), values: shares.flat(), most: 1,
      cell: (row, column, value) => `after ${stations[row]}, ${DAYS[column]} (${step(column)}): ${percent(value)}`,
    })));
    table.querySelectorAll("tbody tr")[after]!.classList.add("pbl-row");

    const where = own ? "these seven streams" : "the days' unembeddings";
    const these = own ? here : unembeddings;
    drawing.setAttribute("aria-label", `The seven days in a plane, after ${stations[after]}: today ${DAYS[today]}${own ? "" : `, with the way of its stream from the embedding`}`);
    note.textContent = `The plane holds ${percent(flat.share)} of the differences between ${where}; two of six equal directions would hold a third. Neighbours in the week are ${neighbours(these).toFixed(2)} times as far apart as any two days, in all dimensions (${neighbours(these.map((one) => flat.project(one))).toFixed(2)} in the plane).`
      + (own ? "" : " Lines show where each day's unembedding points; dots are the seven prompts' streams, as the unembedding would read them.");
    const answered = said[today]!.answers;
    const says = likeliest(answered);
    const took = said.map(({ answers }, day) => step(likeliest(answers), day));
    const most = STEPS.map((its) => took.filter((one) => one === its).length);
    const usual = likeliest(most);
    stage.say(`Today ${DAYS[today]}: the likeliest day is ${DAYS[says]} (${step(says)}) with ${percent(answered[says]!)}. `
      + `Read at ${shown(prompts[today]!.texts[pos]!)}, ${DAYS[last]} (${step(last)}) leads ${since ? `from ${stations[since]} on; before that, ${DAYS[leads[since - 1]!]} (${step(leads[since - 1]!)})` : "from the start"}. `
      + (took.every((its, day) => its === step(says, day)) ? `All seven are answered with ${DAYS[says]}.`
        : `Of the seven days, ${most[usual]} ${most[usual] === 1 ? "is" : "are"} answered with ${usual ? `the day ${STEPS[usual]}` : "the same day"}.`));
  });
  stage.show();
  await stage.onchange();
};

export default { begin, DEFAULTS };

function named(day: string, x: number, y: number, anchor = "start"): SVGTextElement {
  return svg("text", { x, y, "text-anchor": anchor }, document.createTextNode(day.slice(0, 3)));
}
