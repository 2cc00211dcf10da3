// The page as a whole: what stands where, and what happens when somebody does something.

import { decodeBytes } from "../engine/index";
import type { Model } from "../format";
import { DepthView } from "./depth";
import { button, Choice, el, named, select } from "./dom";
import { FlatView } from "./flat";
import { Guesses } from "./guesses";
import { pictureColors } from "./heat";
import { Inspector } from "./inspector";
import { Pad } from "./pad";
import { bytesOfFile } from "./picture";
import { mapsShape } from "./rows";
import type { Explain, Scene } from "./scene";
import { Slow } from "./slow";
import { className } from "./words";

/** Examples that are tried to find the colors' scales. */
const TRIED = 8;
/** How often it is said how long answers take, in ms. */
const STATUS = 700;

export class App {
  readonly pad: Pad;
  private readonly guesses: Guesses;
  private readonly slow: Slow;
  private readonly depth: DepthView;
  private readonly flat: FlatView;
  private readonly note = el("p", { class: "note", role: "status", "data-testid": "note" });
  private readonly status = el("p", { class: "muted status", "data-testid": "status" });
  private statusAt = -STATUS;
  private readonly undo = button("undo", "undo", () => this.pad.undo(), "Undo (Z)");
  private readonly views: Choice<"depth" | "flat">;
  private readonly layers: HTMLSelectElement;
  private readonly explained: HTMLSelectElement;
  private readonly explain: Choice<Explain["kind"]>;
  private readonly tool: Choice<"pen" | "eraser">;

  constructor(private readonly scene: Scene, private readonly root: HTMLElement) {
    const { model } = scene;
    this.pad = new Pad(model.input, scene.palettes.heat, () => scene.mark(), (bytes) => scene.show(bytes), () => this.strokeEnded());
    this.guesses = new Guesses(scene, (index) => this.explainClass(index));
    this.depth = new DepthView(scene);
    this.flat = new FlatView(scene);
    this.slow = new Slow(scene, () => this.closeSlow());
    this.views = new Choice("View", [["depth", "In depth"], ["flat", "Flat"]], "depth", (view) => this.setView(view));
    this.tool = new Choice("Tool", [["pen", "pen"], ["eraser", "eraser"]], "pen", (tool) => (this.pad.isErasing = tool === "eraser"));
    this.explain = new Choice("Explain", [["none", "plain"], ["saliency", "saliency"], ["grad-cam", "Grad-CAM"]], "none", (kind) => this.setExplain(kind));
    this.layers = select("Layer of Grad-CAM", "cam-layer", this.camLayers(), () => this.setExplain("grad-cam"));
    this.layers.selectedIndex = this.layers.options.length - 1;
    const classes = model.classes.length > 0 ? model.classes : Array.from({ length: this.classCount() }, (_, index) => className(scene, index));
    this.explained = select("Explained class", "explained", [["", "first guess"], ...classes.map((name, index) => [String(index), name] as const)],
      (value) => this.scene.setExplain(this.scene.explain, value === "" ? null : Number(value)));
    root.append(this.page(model));
    this.setView("depth");
    this.showExplain("none");
    scene.onChange(() => this.update());
    this.listen();
  }

  private classCount(): number {
    return this.scene.model.nodes[this.scene.model.output.node]?.shape.reduce((product, size) => product * size, 1) ?? 0;
  }

  /** Layers with maps, where Grad-CAM has something to show. */
  private camLayers(): (readonly [string, string])[] {
    const { nodes } = this.scene.model;
    return this.scene.rows
      .filter(({ node }) => node > 0 && nodes[node]?.shape.length === 3 && mapsShape(nodes[node].shape)[1] > 1)
      .map(({ node, name }) => [String(node), name]);
  }

  private page(model: Model): HTMLElement {
    const stage = el("main", { class: "stage" },
      el("div", { class: "toolbar" }, this.views.element, this.lookSwitch(), this.explain.element, this.layers, this.explained,
        ...(this.slow.isPossible ? [button("slow motion", "slow-open", () => this.toggleSlow(), "Steps through one convolution")] : [])),
      el("div", { class: "views" }, this.depth.element, this.flat.element),
      this.slow.element, new Inspector(this.scene).element);
    const side = el("aside", { class: "side" },
      el("div", { class: "draw" }, this.pad.element, this.tools(), this.note), this.guesses.element, this.examples(model), this.status);
    return el("div", { class: "page" }, el("h1", {}, named(model.title)), side, stage);
  }

  private lookSwitch(): HTMLElement {
    const look = new Choice("Show", [["values", "values"], ["changes", "changes"]], "values", (kind) => {
      this.scene.setLook(kind);
      if (kind === "changes" && !this.scene.canCompare) this.note.textContent = "Draw something: what changes is shown then.";
    });
    look.element.title = "Changes: only what is different since the last stroke";
    return look.element;
  }

  private tools(): HTMLElement {
    const file = el("input", { type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-hidden": "true", "data-testid": "file" });
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      if (chosen) void this.open(chosen);
      file.value = "";
    });
    const tools = el("div", { class: "tools" }, this.tool.element, this.undo,
      button("clear", "clear", () => this.pad.clear(), "Clear (C)"), button("open", "open", () => file.click(), "Open a picture; dropping or pasting one works too"), file);
    if (this.scene.model.input.drawing.centering === "none") tools.append(...this.brush());
    return tools;
  }

  /** The pen's color and width, where strokes are drawn as they are. */
  private brush(): HTMLElement[] {
    const width = el("input", { type: "range", min: "0.03", max: "0.3", step: "0.01", value: String(this.pad.width), "aria-label": "Width of the pen", "data-testid": "width" });
    width.addEventListener("input", () => (this.pad.width = Number(width.value)));
    if (this.scene.model.input.channels !== 3) return [width];
    const ink = this.scene.model.input.drawing.ink.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const color = el("input", { type: "color", value: `#${ink}`, "aria-label": "Color of the pen", "data-testid": "color" });
    color.addEventListener("input", () => {
      const value = parseInt(color.value.slice(1), 16);
      this.pad.color = [value >> 16, (value >> 8) & 255, value & 255];
    });
    return [color, width];
  }

  private examples(model: Model): HTMLElement {
    const { height, width } = model.input;
    const list = el("div", { class: "examples", role: "group", "aria-label": "Examples" });
    model.examples.forEach(({ name, pixels }, index) => {
      const bytes = decodeBytes(pixels);
      const canvas = el("canvas", { width: String(width), height: String(height), "aria-hidden": "true" });
      const context = canvas.getContext("2d") as CanvasRenderingContext2D;
      const data = context.createImageData(width, height);
      new Uint32Array(data.data.buffer).set(pictureColors(bytes, height * width));
      context.putImageData(data, 0, 0);
      const choose = el("button", { type: "button", title: name, "aria-label": name, "data-testid": `example-${index}` }, canvas);
      choose.addEventListener("click", () => this.pad.put(bytes));
      list.append(choose);
    });
    return list;
  }

  /** Shows the first example, so that the page is alive before anybody draws. */
  begin(): void {
    const pictures = this.scene.model.examples.map(({ pixels }) => decodeBytes(pixels));
    this.scene.calibrate(pictures.slice(0, TRIED));
    const [first] = pictures;
    if (first) this.pad.put(first);
    else this.pad.clear();
  }

  private strokeEnded(): void {
    this.note.textContent = "";
    this.guesses.sayNext();
  }

  private async open(file: Blob): Promise<void> {
    try {
      this.pad.put(await bytesOfFile(file, this.scene.model.input));
    } catch (error) {
      this.note.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  private update(): void {
    this.pad.setPalette(this.scene.palettes.heat);
    this.pad.setHeat(this.scene.heat);
    this.undo.disabled = !this.pad.canUndo;
    const now = performance.now();
    if (this.scene.runs === 0 || now - this.statusAt < STATUS) return;
    this.statusAt = now;
    this.status.textContent = `answers in ${this.scene.took < 1 ? "under 1" : Math.round(this.scene.took)} ms`;
  }

  private setView(view: "depth" | "flat"): void {
    this.views.choose(view);
    this.depth.element.hidden = view !== "depth";
    this.flat.element.hidden = view !== "flat";
    this.root.dataset["view"] = view;
  }

  private setExplain(kind: Explain["kind"]): void {
    this.showExplain(kind);
    this.scene.setExplain(kind === "grad-cam" ? { kind, node: Number(this.layers.value) } : { kind });
  }

  private showExplain(kind: Explain["kind"]): void {
    this.explain.choose(kind);
    this.layers.hidden = kind !== "grad-cam";
    this.explained.hidden = kind === "none";
  }

  /** Explains a class that was chosen by its bar; pressed again, the first guess. */
  private explainClass(index: number): void {
    const explained = this.scene.explained === index ? null : index;
    this.explained.value = explained === null ? "" : String(explained);
    const { explain } = this.scene;
    const now: Explain = explain.kind === "none" ? { kind: "saliency" } : explain;
    this.showExplain(now.kind);
    this.scene.setExplain(now, explained);
  }

  private toggleSlow(): void {
    if (this.slow.element.hidden) this.slow.open();
    else this.closeSlow();
  }

  private closeSlow(): void {
    this.slow.close();
  }

  private listen(): void {
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = event.dataTransfer?.files[0];
      if (file) void this.open(file);
    });
    document.addEventListener("paste", (event) => {
      const file = event.clipboardData?.files[0];
      if (file) void this.open(file);
    });
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  private pressed(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLElement && event.target.closest("select, input:not([type=radio])") !== null;
    if (event.altKey || isTyping) return;
    const withControl = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (key === "escape") this.scene.release(true);
    else if (key === "z") this.pad.undo();
    else if (withControl) return;
    else if (key === "c") this.pad.clear();
    else if (key === "e") this.setTool(this.pad.isErasing ? "pen" : "eraser");
    else if (key === "v") this.setView(this.depth.element.hidden ? "depth" : "flat");
    else return;
    event.preventDefault();
  }

  private setTool(tool: "pen" | "eraser"): void {
    this.tool.choose(tool);
    this.pad.isErasing = tool === "eraser";
  }
}
