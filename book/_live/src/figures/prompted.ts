// Prompts with a right and a wrong answer, as readers type them.

import type { LiveModel } from "../client";

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
