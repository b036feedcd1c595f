// GPT-2's byte-level BPE on the shipped vocabulary.

import type { Weights } from "./weights";

const PIECES =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Bytes as the vocabulary writes them: printable ones as themselves, the others from 256 on. */
function byteLetters(): string[] {
  const letters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    letters.push(String.fromCharCode(printable ? byte : next++));
  }
  return letters;
}

export class Tokenizer {
  private readonly letters = byteLetters();
  private readonly bytes = new Map(this.letters.map((letter, byte) => [letter, byte]));
  private readonly numbers: Map<string, number>;
  private readonly ranks: Map<string, number>;
  private readonly names: Map<number, string>;
  private readonly specials: RegExp;

  constructor(private readonly file: Weights) {
    this.numbers = new Map(file.tokens.map((token, number) => [token, number]));
    this.ranks = new Map(file.merges.map((pair, rank) => [pair, rank]));
    this.names = new Map(Object.entries(file.special).map(([name, number]) => [number, name]));
    const escaped = [...this.names.values()].map((name) => name.replace(/[|\\{}()[\]^$+*?.]/g, "\\$&"));
    this.specials = new RegExp(`(${escaped.join("|")})`);
  }

  /** As `model.to_tokens(text)`: BOS first. */
  encode(text: string, bos = true): number[] {
    const found = bos ? [this.file.config.bos] : [];
    for (const part of text.split(this.specials)) {
      const special = this.file.special[part];
      if (special !== undefined) found.push(special);
      else for (const [piece] of part.matchAll(PIECES)) found.push(...this.merged(piece));
    }
    return found;
  }

  /** A token's text; a token that is part of a letter gives the replacement character. */
  text(token: number): string {
    const special = this.names.get(token);
    if (special !== undefined) return special;
    const bytes = [...this.file.tokens[token]!].map((letter) => this.bytes.get(letter)!);
    return new TextDecoder().decode(new Uint8Array(bytes));
  }

  private merged(piece: string): number[] {
    const parts = [...new TextEncoder().encode(piece)].map((byte) => this.letters[byte]!);
    for (;;) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) break;
      parts.splice(at, 2, parts[at]! + parts[at + 1]!);
    }
    return parts.map((part) => this.numbers.get(part)!);
  }
}
