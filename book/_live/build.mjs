// Builds dist/live.js: `npm ci && npm run build`. Its first line names the sources it was built from, and
// tests/project/test_live.py says when they are not these any more.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { build, transform } from "esbuild";

const folder = new URL("src/", import.meta.url);
const digest = createHash("sha256");
for (const name of readdirSync(folder, { recursive: true }).sort()) {
  if (/\.(ts|css)$/.test(name)) digest.update(name + "\0" + readFileSync(new URL(name, folder), "utf8") + "\0");
}
const common = { bundle: true, minify: true, format: "iife", target: "es2022", charset: "utf8", legalComments: "none" };
const source = (name) => new URL(name, folder).pathname;
const style = async ({ path }) => ({ contents: (await transform(readFileSync(path, "utf8"), { loader: "css", minify: true })).code, loader: "text" });
const worker = await build({ ...common, entryPoints: [source("worker.ts")], write: false });
mkdirSync(new URL("dist/", import.meta.url), { recursive: true });
await build({
  ...common,
  entryPoints: [source("main.ts")],
  outfile: new URL("dist/live.js", import.meta.url).pathname,
  define: { WORKER: JSON.stringify(worker.outputFiles[0].text) },
  plugins: [{ name: "style", setup: (its) => its.onLoad({ filter: /\.css$/ }, style) }],
  banner: { js: `// sources: ${digest.digest("hex")}` },
});
