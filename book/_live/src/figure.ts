// What all figures share: the start, the state in the address, the line for screen readers, the theme.

import { type LiveModel, open } from "./client";
import { calmly, h } from "./ui";

export type State = Record<string, string>;
const SIZES: Record<string, string> = { "tiny-gpt2": "3.4 MB", "tiny-attn-only": "2.3 MB" };

/** A figure's own place. `draw` is called on the start, on every change of state, and when the theme changes. */
export class Stage {
  readonly state: State;
  readonly body = h("div", { className: "pbl-body" });
  private readonly said = h("p", { className: "pbl-said", role: "status", "aria-live": "polite" });
  private turn = 0;
  onchange: () => void = () => {};

  constructor(readonly name: string, readonly host: HTMLElement, defaults: State) {
    this.state = { ...defaults };
    for (const key of Object.keys(defaults)) this.state[key] = host.dataset[key] ?? this.state[key]!;
    Object.assign(this.state, this.fromAddress());
  }

  get addressed(): boolean {
    return location.hash.startsWith(`#live-${this.name}?`);
  }

  private fromAddress(): State {
    if (!this.addressed) return {};
    return Object.fromEntries([...new URLSearchParams(location.hash.split("?")[1])].filter(([key]) => key in this.state));
  }

  /** Takes over the state of an address that was entered on the open page. */
  reread(): void {
    Object.assign(this.state, this.fromAddress());
    this.onchange();
  }

  /** Changes the state, and the address with it, so that a link leads to this experiment. */
  set(changes: State): void {
    Object.assign(this.state, changes);
    this.write();
    this.onchange();
  }

  get link(): string {
    return `${location.href.split("#")[0]}#live-${this.name}?${new URLSearchParams(this.state)}`;
  }

  private readonly write = calmly(() => history.replaceState(null, "", this.link), 300);

  /** A summary in words: shown under the figure, and read out when it changes. */
  readonly say = calmly((text: string) => {
    if (this.said.textContent !== text) this.said.textContent = text;
  }, 250);

  /** Runs a drawing that waits for the model; if a later one began meanwhile, `late()` says so. */
  async drawing(what: (late: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.turn;
    try {
      await what(() => turn !== this.turn);
    } catch (error) {
      if (turn === this.turn) this.say(error instanceof Error ? error.message : String(error));
    }
  }

  show(): void {
    const copy = h("button", { type: "button", className: "pbl-quiet", onclick: async () => {
      history.replaceState(null, "", this.link);
      copy.textContent = await navigator.clipboard?.writeText(this.link).then(() => "Copied", () => "It is in the address bar") ?? "It is in the address bar";
      setTimeout(() => (copy.textContent = "Copy a link to this"), 2000);
    } }, "Copy a link to this");
    this.host.replaceChildren(this.body, h("div", { className: "pbl-foot" }, this.said, copy));
    this.host.classList.add("pbl-on");
  }

  /** A model, with its download shown. */
  async model(name: string): Promise<LiveModel> {
    const bar = h("progress", { max: 1, "aria-label": "download of the model" });
    const line = h("p", { className: "pbl-load" }, `${name} comes to this page (${SIZES[name] ?? ""}, once) `, bar);
    const timer = setTimeout(() => this.host.prepend(line), 100);
    try {
      return await open(name, (had, wanted) => wanted && (bar.value = had / wanted));
    } finally {
      clearTimeout(timer);
      line.remove();
    }
  }
}

export type Begin = (stage: Stage) => Promise<void>;

/** Shows a way to start; begins at once where the address asks for it, where the page says so, or on later pages of a visit. */
export function prepare(stage: Stage, begin: Begin): void {
  const { host } = stage;
  const start = async () => {
    button.disabled = true;
    try {
      sessionStorage.setItem("patchbook-live", "on");
    } catch { /* a page without storage starts each figure by a press */ }
    try {
      await begin(stage);
    } catch (error) {
      button.disabled = false;
      button.before(h("p", { role: "alert" }, `This figure did not start: ${error instanceof Error ? error.message : error}. The picture shows what it does. `));
    }
  };
  const button = h("button", { type: "button", className: "pbl-start", onclick: start }, "Run the model in this page");
  host.prepend(h("div", { className: "pbl-invite" }, button, h("span", {}, " nothing to install; nothing you type leaves this page")));
  let known = false;
  try {
    known = sessionStorage.getItem("patchbook-live") === "on";
  } catch { /* as above */ }
  if (stage.addressed) {
    host.scrollIntoView();
    void start();
  } else if (known || host.dataset.start === "view") {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      void start();
    }, { rootMargin: "200px" });
    seen.observe(host);
  }
  addEventListener("hashchange", () => stage.addressed && stage.reread());
  new MutationObserver(() => stage.onchange()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
