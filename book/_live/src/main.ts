// Finds the figures of a page and brings them to life.

import { open } from "./client";
import { type Begin, prepare, Stage, type State } from "./figure";
import days from "./figures/days";
import patch from "./figures/patch";
import path from "./figures/path";
import text from "./figures/text";
import writes from "./figures/writes";
import style from "./style.css";
import { h } from "./ui";

const FIGURES: Record<string, { begin: Begin; DEFAULTS: State }> = { text, writes, patch, path, days };

declare global {
  interface Window {
    patchbookLive: { open: typeof open };
  }
}
window.patchbookLive = { open };

function start(): void {
  const hosts = document.querySelectorAll<HTMLElement>("[data-live]");
  if (hosts.length) document.head.append(h("style", {}, style));
  for (const host of hosts) {
    const name = host.dataset.live!;
    const its = FIGURES[name];
    if (its) prepare(new Stage(name, host, its.DEFAULTS), its.begin);
  }
}
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
else start();
