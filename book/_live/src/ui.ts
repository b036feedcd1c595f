// Small pieces that figures are built from.

type Child = Node | string | null | undefined | false;
type Props = Record<string, unknown>;

/** An element: properties by name, `on…` handlers, `data-…`, `aria-…` and `role` as attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value as EventListener);
    else if (/^(data-|aria-|role|for|style|scope)/.test(name)) made.setAttribute(name, String(value));
    else (made as unknown as Props)[name] = value;
  }
  made.append(...(children.filter((child) => child || child === "") as (Node | string)[]));
  return made;
}

/** An element of a drawing: attributes by name. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number> = {}, ...children: Node[]): SVGElementTagNameMap[K] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

let labels = 0;

/** A control under its visible name. */
export function labelled(name: string, control: HTMLElement, className = ""): HTMLElement {
  control.id ||= `pb-live-${++labels}`;
  return h("div", { className: `pbl-field ${className}` }, h("label", { for: control.id }, name), control);
}

export function select(options: readonly (readonly [value: string, name: string])[], value: string, change: (value: string) => void): HTMLSelectElement {
  const made = h("select", { onchange: () => change(made.value) }, ...options.map(([its, name]) => h("option", { value: its }, name)));
  made.value = value;
  return made;
}

export function input(value: string, change: (value: string) => void): HTMLInputElement {
  const made = h("input", { type: "text", value, spellcheck: false, autocomplete: "off", oninput: () => change(made.value) });
  return made;
}

/** A token as readers see it: its space shown, its line breaks too. */
export function shown(token: string): string {
  if (token === "<|endoftext|>") return "BOS";
  return token.replace(/^ /, "·").replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";
}

/** Numbers with a real minus sign. */
export function signed(value: number, digits = 2): string {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

export const percent = (value: number) => `${(100 * value).toFixed(value < 0.01 && value > 0 ? 2 : 1)} %`;

export const dark = () => document.documentElement.dataset.theme === "dark";
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

const INKS = { light: { sheet: [255, 255, 255], plus: [33, 102, 172], minus: [178, 24, 43] }, dark: { sheet: [20, 24, 30], plus: [88, 166, 222], minus: [226, 106, 92] } };

/** Blue above zero, red below, the sheet's own colour at zero; and a text colour that can be read on it. */
export function ink(share: number): { fill: string; text: string } {
  const { sheet, plus, minus } = INKS[dark() ? "dark" : "light"];
  const strength = Math.min(1, Math.abs(share));
  const colour = (share < 0 ? minus : plus).map((c, i) => Math.round(sheet[i]! + (c - sheet[i]!) * strength));
  const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const bright = 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  return { fill: `rgb(${colour.join()})`, text: bright > 0.179 ? "#000" : "#fff" };
}

export interface Map2d {
  label: string;
  rows: readonly string[];
  columns: readonly string[];
  values: ArrayLike<number>; // row by row; NaN where there is none
  most?: number; // what has full colour; else the largest
  digits?: number;
  cell?: (row: number, column: number, value: number) => string; // in words
  picked?: number | readonly number[] | undefined;
  pick?: (cell: number) => void;
  tall?: boolean; // column names stand upright
}

/** A map of numbers that is also a table. Arrow keys move, Enter or a press picks. */
export function map2d(its: Map2d): HTMLElement {
  const { rows, columns, values, digits = 2 } = its;
  const most = its.most ?? (Math.max(...Array.from(values, (value) => Math.abs(value) || 0)) || 1);
  const picked = [its.picked ?? []].flat();
  const cells: HTMLElement[] = [];
  const move = (event: KeyboardEvent, at: number) => {
    const [row, column] = [Math.floor(at / columns.length), at % columns.length];
    const to = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -column], End: [0, columns.length - 1 - column] }[event.key];
    if (!to) return;
    event.preventDefault();
    const next = cells[Math.min(rows.length - 1, Math.max(0, row + to[0]!)) * columns.length + Math.min(columns.length - 1, Math.max(0, column + to[1]!))]!;
    for (const cell of cells) cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  const body = rows.map((name, row) =>
    h("tr", {}, h("th", { scope: "row" }, name), ...columns.map((_, column) => {
      const at = row * columns.length + column;
      const value = values[at]!;
      const { fill, text } = ink((value || 0) / most);
      const short = Number.isNaN(value) ? "·" : signed(value, digits).replace(/^0\.0+$/, "0");
      const said = its.cell?.(row, column, value) ?? `${name}, ${columns[column]}: ${signed(value, digits)}`;
      const inside = its.pick
        ? h("button", { type: "button", title: said, "aria-label": said, "aria-pressed": String(picked.includes(at)), tabIndex: at === (picked[0] ?? 0) ? 0 : -1,
            onclick: () => its.pick!(at), onkeydown: (event: KeyboardEvent) => move(event, at) }, short)
        : h("span", { title: said }, short);
      inside.style.cssText = `background:${fill};color:${text}`;
      cells.push(inside);
      return h("td", {}, inside);
    })),
  );
  return titled(its.label, !its.pick,
    h("table", { className: `pbl-map${its.tall ? " pbl-tall" : ""}`, "aria-label": its.label },
      h("thead", {}, h("tr", {}, h("td"), ...columns.map((name) => h("th", { scope: "col" }, h("span", {}, name))))),
      h("tbody", {}, ...body)));
}

/** Calls `change`, which makes a map anew, and leaves the keyboard and the sideways scroll where they were. */
export function keepingPlace(holder: HTMLElement, change: () => void): void {
  const at = [...holder.querySelectorAll("td button")].indexOf(document.activeElement!);
  const scrolled = holder.querySelector(".pbl-scroll")?.scrollLeft ?? 0;
  change();
  holder.querySelector(".pbl-scroll")!.scrollLeft = scrolled;
  const again = holder.querySelectorAll<HTMLElement>("td button")[at];
  if (!again) return;
  for (const cell of holder.querySelectorAll<HTMLElement>("td button")) cell.tabIndex = cell === again ? 0 : -1;
  again.focus();
}

/** A table under its title; it scrolls sideways where the page is narrow, by keyboard too. */
export function titled(title: string, reachable: boolean, table: HTMLElement): HTMLElement {
  const scroll = h("div", { className: "pbl-scroll", role: "region", "aria-label": title }, table);
  if (reachable) scroll.tabIndex = 0;
  return h("div", { className: "pbl-titled" }, h("p", {}, title), scroll);
}

/** Bars from a common zero, each with its number. */
export function bars(label: string, rows: readonly (readonly [name: string, value: number, text: string])[], most?: number): HTMLElement {
  const longest = most ?? (Math.max(...rows.map(([, value]) => Math.abs(value))) || 1);
  const both = rows.some(([, value]) => value < 0);
  return titled(label, true,
    h("table", { className: "pbl-bars", "aria-label": label }, h("tbody", {}, ...rows.map(([name, value, text]) => {
      const share = (Math.abs(value) / longest) * (both ? 50 : 100);
      const bar = h("span", { className: "pbl-bar" });
      const from = both ? (value < 0 ? 50 - share : 50) : 0;
      bar.style.cssText = `margin-inline-start:${from}%;width:${share}%;background:${ink(value < 0 ? -0.9 : 0.9).fill}`;
      return h("tr", {}, h("th", { scope: "row" }, name), h("td", { className: "pbl-track" }, bar), h("td", { className: "pbl-number" }, text));
    }))));
}

/** Only the last of several quick calls, a little later. */
export function calmly<T extends unknown[]>(what: (...args: T) => void, wait = 150): (...args: T) => void {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => what(...args), wait);
  };
}
