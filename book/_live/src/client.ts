// The page's side of the worker: `await (await open("tiny-gpt2", progress)).ask("tokens", { text })`.

import type { Tasks } from "./worker";
import type { Config, Progress } from "./weights";

declare const WORKER: string; // the built worker, put here by build.mjs
declare global {
  interface Window {
    patchbookWeights?: Record<string, string>;
  }
}

type Arguments<T extends keyof Tasks> = Parameters<Tasks[T]>[0];
type Result<T extends keyof Tasks> = Awaited<ReturnType<Tasks[T]>>;

interface Waiting {
  done: (result: never) => void;
  failed: (error: Error) => void;
  progress: Progress | undefined;
}

export class LiveModel {
  config!: Config;
  private readonly worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: "text/javascript" })));
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;

  constructor() {
    this.worker.onmessage = ({ data }) => {
      const its = this.waiting.get(data.id);
      if (!its) return;
      if ("had" in data) return its.progress?.(data.had, data.wanted);
      this.waiting.delete(data.id);
      if ("error" in data) its.failed(new Error(data.error));
      else its.done(data.result as never);
    };
    this.worker.onerror = ({ message }) => { // it did not start, or ran out of memory: nobody is left waiting
      for (const { failed } of this.waiting.values()) failed(new Error(message || "the model's thread stopped"));
      this.waiting.clear();
    };
  }

  ask<T extends keyof Tasks>(task: T, args: Arguments<T>, progress?: Progress): Promise<Result<T>> {
    return new Promise((done, failed) => {
      const id = ++this.count;
      this.waiting.set(id, { done, failed, progress });
      this.worker.postMessage({ id, task, args });
    });
  }
}

/** Where this script lies: the weights lie beside it. */
const HERE = (document.currentScript as HTMLScriptElement | null)?.src ?? location.href;
const opened = new Map<string, Promise<LiveModel>>();

/** A model, loaded once for all figures of a page. */
export function open(name: string, progress?: Progress): Promise<LiveModel> {
  let found = opened.get(name);
  if (!found) {
    found = load(name, progress);
    opened.set(name, found);
    found.catch(() => opened.delete(name));
  }
  return found;
}

async function load(name: string, progress?: Progress): Promise<LiveModel> {
  const model = new LiveModel();
  const file = location.protocol === "file:" ? { file: await fromScript(name) } : { url: new URL(`${name}.bin`, HERE).href };
  model.config = await model.ask("load", { name, ...file }, progress);
  return model;
}

/** A page on a disk may not fetch, but it may load scripts; the same file is there as one. */
async function fromScript(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const script = document.createElement("script");
  script.src = new URL(`${name}.js`, HERE).href;
  await new Promise<void>((done, failed) => {
    script.onload = () => done();
    script.onerror = () => failed(new Error(`${name}.js is not beside the page's scripts`));
    document.head.append(script);
  });
  return Uint8Array.from(atob(window.patchbookWeights![name]!), (letter) => letter.charCodeAt(0));
}
