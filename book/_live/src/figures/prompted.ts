// Prompts with a right and a wrong answer, as readers type them, and what becomes of the answer.

import type { LiveModel } from "../client";
import { h, percent, shown, signed, titled } from "../ui";
import type { Said } from "../worker";

export interface Answered {
  right: number;
  wrong: number;
  names: [string, string];
}

/** The answers' tokens. An answer is one token; a space before it is meant where the vocabulary has such a token. */
export async function answers(model: LiveModel, right: string, wrong: string): Promise<Answered> {
  const found = await Promise.all([right, wrong].map(async (text) => {
    if (!text.trim()) throw new Error("Type a right and a wrong answer.");
    const { tokens, texts } = await model.ask("tokens", { text: / /.test(text[0] ?? "") ? text : ` ${text}`, bos: false });
    if (tokens.length !== 1) {
      throw new Error(`“${text.trim()}” is ${tokens.length} tokens (${texts.join("|")}). An answer must be one token: try a name such as Mary.`);
    }
    return { token: tokens[0]!, text: texts[0]! };
  }));
  return { right: found[0]!.token, wrong: found[1]!.token, names: [found[0]!.text, found[1]!.text] };
}

export interface Prompt {
  tokens: number[];
  texts: string[];
}

/** Both prompts, one above the other; the tokens that differ are marked. */
export function sideBySide(prompts: readonly (readonly [name: string, its: Prompt])[]): HTMLElement[] {
  const differ = differing(prompts[0]![1], prompts[1]![1]);
  return prompts.map(([name, { texts }]) =>
    h("p", {}, h("strong", {}, name), " ", ...texts.map((text, pos) => h(differ[pos] ? "mark" : "span", {}, shown(text)))));
}

export function differing(one: Prompt, other: Prompt): boolean[] {
  return one.tokens.map((token, pos) => token !== other.tokens[pos]);
}

/** Raises what is wrong with a pair to patch between. */
export function checkPair(clean: Prompt, other: Prompt, name: string): void {
  const [n, m] = [clean.tokens.length, other.tokens.length];
  if (m !== n) throw new Error(`The clean prompt has ${n} tokens and the ${name} one ${m}. A patch needs the same number: change a word for another of one token.`);
  if (!differing(clean, other).includes(true)) throw new Error("The two prompts are the same: no patch can change anything. Change a word in one of them.");
}

export const difference = (its: Said) => its.logits[0]! - its.logits[1]!;

/** What several runs make of the two answers. */
export function outcome(names: readonly [string, string], runs: readonly (readonly [name: string, its: Said])[]): HTMLElement {
  const row = (name: string, text: (its: Said) => string) => h("tr", {}, h("th", { scope: "row" }, name), ...runs.map(([, its]) => h("td", {}, text(its))));
  return titled("What becomes of the answer", true, h("table", { className: "pbl-plain", "aria-label": "What becomes of the answer" },
    h("thead", {}, h("tr", {}, h("td"), ...runs.map(([name]) => h("th", { scope: "col" }, name)))),
    h("tbody", {},
      row(`P(${shown(names[0])})`, (its) => percent(its.answers[0]!)),
      row(`P(${shown(names[1])})`, (its) => percent(its.answers[1]!)),
      row("logit difference", (its) => signed(difference(its))),
      row("likeliest", (its) => its.likely.slice(0, 3).map((one) => shown(one.text)).join(" ")))));
}
