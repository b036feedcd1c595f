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
    const caption = h("p", { className: "pbl-note" }, ...(this.host.querySelector("figcaption")?.childNodes ?? []));
    this.host.replaceChildren(caption, this.body, h("div", { className: "pbl-foot" }, this.said, copy));
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

const begun = new EventTarget(); // says to a page's other figures that one was started

/** Shows a way to start; begins at once where the address asks for it, and when it comes into view where the page says
 * so or a figure was started before in this visit. */
export function prepare(stage: Stage, begin: Begin): void {
  const { host } = stage;
  let started = false;
  const start = async () => {
    if (started) return;
    started = button.disabled = true;
    remember();
    try {
      await begin(stage);
    } catch (error) {
      started = button.disabled = false;
      const why = error instanceof Error ? error.message : error;
      button.before(h("p", { role: "alert" }, `This figure did not start: ${why}. The picture shows what it does.`));
    }
  };
  const button = h("button", { type: "button", className: "pbl-start", onclick: start }, "Run the model in this page");
  host.prepend(h("div", { className: "pbl-invite" }, button, h("span", {}, "nothing to install; nothing you type leaves this page")));
  const whenSeen = () => {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      void start();
    }, { rootMargin: "200px" });
    seen.observe(host);
  };
  if (stage.addressed) {
    host.scrollIntoView();
    void start();
  } else if (host.dataset.start === "view" || remembered()) whenSeen();
  else begun.addEventListener("begun", whenSeen, { once: true });
  addEventListener("hashchange", () => {
    if (!stage.addressed) return;
    if (started) stage.reread();
    else location.reload();
  });
  new MutationObserver(() => stage.onchange()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

function remembered(): boolean {
  try {
    return sessionStorage.getItem("patchbook-live") === "on";
  } catch {
    return false; // no storage here: each page asks anew
  }
}

function remember(): void {
  begun.dispatchEvent(new Event("begun"));
  try {
    sessionStorage.setItem("patchbook-live", "on");
  } catch { /* as above */ }
}
