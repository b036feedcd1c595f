// Finds the figures of a page and brings them to life.

import { open } from "./client";

declare global {
  interface Window {
    patchbookLive: { open: typeof open };
  }
}
window.patchbookLive = { open };
