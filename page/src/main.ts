// The page's entry. Tests find what one touches by data-testid, and the network through `window.alive`.

import { Engine } from "./engine/index";
import { FORMAT, type Model } from "./format";
import { App } from "./see/app";
import { el } from "./see/dom";
import { fitFrame, isFramed } from "./see/frame";
import { Scene } from "./see/scene";
import style from "./see/style.css";
import { followTheme } from "./see/theme";

interface Alive {
  readonly engine: Engine;
  readonly scene: Scene;
  /** Fulfilled when the first answer is shown. */
  readonly ready: Promise<void>;
  /** Draws lines, where 1 is the pad's width. */
  draw(lines: readonly (readonly { readonly x: number; readonly y: number }[])[]): void;
}

declare global {
  interface Window {
    alive?: Alive;
  }
}

function start(root: HTMLElement): void {
  const model = JSON.parse(document.getElementById("model")?.textContent ?? "") as Model;
  if (model.format !== FORMAT) throw new Error(`This figure has format ${model.format}; its page reads ${FORMAT}.`);
  const engine = new Engine(model);
  const scene = new Scene(model, engine);
  document.head.append(el("style", {}, style));
  document.documentElement.classList.toggle("framed", isFramed());
  const app = new App(scene, root);
  followTheme((dark) => scene.setDark(dark));
  const ready = new Promise<void>((done) => scene.onChange((change) => change === "values" && done()));
  window.alive = { engine, scene, ready, draw: (lines) => app.pad.drawStrokes(lines) };
  app.begin();
  fitFrame(root);
}

const root = document.getElementById("alive");
if (root) {
  try {
    start(root);
  } catch (error) {
    // Where the page can't run, the still stands, and this says why.
    root.replaceChildren(el("p", { role: "alert" }, error instanceof Error ? error.message : String(error)));
    throw error;
  }
}
