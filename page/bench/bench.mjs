// Measures the engine in node and in headless Chromium, with networks of random weights: `npm run bench`.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { buildSync } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const build = join(here, "../build/bench");
mkdirSync(build, { recursive: true });

/** The measurement as a script whose global `bench` has `speeds`. */
const { outputFiles } = buildSync({
  entryPoints: [join(here, "speed.ts")],
  bundle: true, minify: true, format: "iife", globalName: "bench", target: "es2020", write: false,
});
const script = outputFiles[0].text;

function report(where, speeds) {
  for (const { network, forward, saliency } of speeds) {
    const rate = (milliseconds) => `${milliseconds.toFixed(2)} ms (${(1000 / milliseconds).toFixed(0)}/s)`;
    console.log(`${where}: ${network}: forward ${rate(forward)}, with saliency ${rate(saliency)}`);
  }
}

report("node", new Function(`${script}; return bench.speeds();`)());

const page = join(build, "bench.html");
writeFileSync(
  page,
  `<body><script>${script}</script><script>document.body.textContent = JSON.stringify(bench.speeds())</script></body>`,
);
const chromium = process.env.CHROMIUM ?? "chromium";
const profile = mkdtempSync(join(tmpdir(), "bench-"));
try {
  const options = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`, "--dump-dom", `file://${page}`];
  const dom = execFileSync(chromium, options, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  report("Chromium", JSON.parse(dom.match(/<body>(\[.*\])<\/body>/)[1]));
} catch (error) {
  if (error.code !== "ENOENT") throw error;
  console.log("skipped: no Chromium (its path in CHROMIUM)");
} finally {
  rmSync(profile, { recursive: true, force: true });
}
