// The flat view: layer by layer, maps large enough to read.

import type { Region } from "../engine/index";
import { button, coalesced, el, named, sized } from "./dom";
import { ARROWS } from "./keys";
import { drawScale } from "./legend";
import { outlineCell, outlineRegion } from "./marks";
import { mapsShape, describe, shapeText, type Row } from "./rows";
import type { Scene } from "./scene";
import { cellAt, cellOf, corner, layOut, stepped, unitOf, type Tiles } from "./tiles";
import { unitText } from "./words";

/** At the left and right of the layers, as the style has it. */
const PADDING = 14;
/** Maps of a layer that stand here before the others are asked for: so many lines of them. */
const LINES = 2;

export class FlatView {
  readonly element = el("div", { class: "flat", "data-testid": "flat", role: "region", "aria-label": "Layer by layer", tabindex: "-1" });
  private readonly layers: FlatLayer[] = [];
  private readonly said = el("p", { class: "unseen", role: "status", "data-testid": "said-unit" });
  private readonly say = (text: string) => (this.said.textContent = text);
  private readonly paint = coalesced(() => this.paintNow());

  constructor(private readonly scene: Scene) {
    for (const row of scene.rows) this.addRow(row);
    this.element.append(this.said);
    new ResizeObserver(() => this.layOut()).observe(this.element);
    this.element.addEventListener("scroll", () => this.paint(), { passive: true });
    scene.onChange(() => this.paint());
  }

  private addRow(row: Row): void {
    const layer = new FlatLayer(this.scene, row.node, row.name, row.what, this.paint, this.say);
    this.layers.push(layer);
    const section = el("section", { class: "layer" }, layer.element);
    if (row.steps.length > 1) section.append(this.steps(row));
    this.element.append(section);
  }

  /** The nodes that a row summarizes, each by itself, when they are asked for. */
  private steps(row: Row): HTMLElement {
    const details = el("details", { class: "steps", "data-testid": `steps-${row.name}` });
    details.append(el("summary", {}, `its ${row.steps.length} steps, one by one`));
    let made = false;
    details.addEventListener("toggle", () => {
      if (!made) {
        for (const step of row.steps) {
          const node = this.scene.model.nodes[step];
          if (!node) continue;
          const layer = new FlatLayer(this.scene, step, node.name, describe(node), this.paint, this.say);
          this.layers.push(layer);
          details.append(layer.element);
        }
        made = true;
      }
      this.layOut();
    });
    return details;
  }

  /** Maps are laid out anew: the view's width or what is shown has changed. */
  private layOut(): void {
    const room = this.element.clientWidth - 2 * PADDING;
    if (room <= 0) return;
    for (const layer of this.layers) layer.layOut(room);
    this.paint();
  }

  private paintNow(): void {
    const view = this.element.getBoundingClientRect();
    if (view.width === 0) return;
    for (const layer of this.layers) layer.paintIfSeen(view);
  }
}

class FlatLayer {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly bar = el("canvas", { class: "scale", "aria-hidden": "true" });
  private readonly more: HTMLButtonElement;
  private tiles: Tiles;
  private isWhole = false;
  private room = 0;
  /** Where the keyboard is. */
  private cursor = 0;

  constructor(
    private readonly scene: Scene, private readonly node: number, name: string, what: string, private readonly repaint: () => void, private readonly say: (text: string) => void,
  ) {
    const shape = scene.model.nodes[node]?.shape ?? [];
    this.tiles = layOut(this.shape(), 100, 40);
    this.canvas = el("canvas", {
      tabindex: "0", role: "img", "data-testid": `maps-${name}`,
      "aria-label": `${name}, ${what}, ${shapeText(shape)}. Arrow keys go from value to value, Enter keeps one, Escape lets go.`,
    });
    this.more = button("", `more-${name}`, () => this.toggle());
    this.more.className = "link";
    // The picture has its own colors.
    this.bar.hidden = node === 0;
    const words = el("span", { class: "what" }, what);
    const head = el("header", {}, el("h3", {}, named(name)), words, el("span", { class: "shape" }, shapeText(shape)), this.more, this.bar);
    this.element = el("div", { class: "maps" }, head, this.canvas);
    this.listen();
  }

  /** The maps as they are shown: of the picture, one in color. */
  private shape() {
    return this.node === 0 ? this.scene.image(0).shape : mapsShape(this.scene.model.nodes[this.node]?.shape ?? []);
  }

  private listen(): void {
    const unitUnder = (event: PointerEvent): number | null => {
      const box = this.canvas.getBoundingClientRect();
      const cell = cellAt(this.tiles, event.clientX - box.left, event.clientY - box.top);
      return cell ? unitOf(this.tiles.shape, cell) : null;
    };
    this.canvas.addEventListener("pointermove", (event) => {
      const unit = unitUnder(event);
      if (unit === null) this.scene.release();
      else this.lookAt(unit);
    });
    this.canvas.addEventListener("pointerleave", () => this.scene.release());
    this.canvas.addEventListener("click", (event) => {
      const unit = unitUnder(event as PointerEvent);
      if (unit === null) return;
      const { focus, kept } = this.scene;
      if (kept && focus?.node === this.node && focus.unit === unit) this.scene.release(true);
      else this.lookAt(unit, true);
    });
    this.canvas.addEventListener("focus", () => this.lookAt(this.cursor));
    this.canvas.addEventListener("blur", () => this.scene.release());
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
  }

  private lookAt(unit: number, keep = false): void {
    this.cursor = unit;
    this.scene.lookAt(this.node, unit, keep);
  }

  private pressed(event: KeyboardEvent): void {
    const step = ARROWS[event.key];
    if (step) {
      const isKept = this.scene.kept;
      this.lookAt(stepped(this.tiles, this.cursor, ...step), isKept);
    } else if (event.key === "Enter" || event.key === " ") {
      this.lookAt(this.cursor, true);
    } else {
      return;
    }
    this.say(unitText(this.scene, this.node, this.cursor));
    event.preventDefault();
  }

  private toggle(): void {
    this.isWhole = !this.isWhole;
    this.layOut(this.room);
    this.repaint();
  }

  layOut(room: number): void {
    this.room = room;
    const [count, height, width] = this.shape();
    const isAnswer = this.node === this.scene.model.output.node && count <= 20;
    const side = height * width > 1 ? (this.node === 0 ? 112 : 76) : isAnswer ? 30 : 15;
    this.tiles = layOut([count, height, width], room, side);
    const hidden = this.tiles.rows > LINES && height * width > 1;
    this.more.hidden = !hidden;
    this.more.textContent = this.isWhole ? "fewer" : `all ${count} maps`;
    if (hidden && !this.isWhole) {
      const shown = LINES * this.tiles.columns;
      this.tiles = layOut([shown, height, width], room, side);
    }
    // Also before it is drawn, or all below it would jump.
    this.canvas.style.width = `${this.tiles.width}px`;
    this.canvas.style.height = `${this.tiles.height}px`;
  }

  paintIfSeen(view: DOMRect): void {
    const box = this.element.getBoundingClientRect();
    const [width, height] = [this.tiles.width, this.tiles.height];
    if (box.width === 0 || box.bottom < view.top - 200 || box.top > view.bottom + 200) return;
    const context = sized(this.canvas, width, height);
    this.drawMaps(context);
    this.drawMarks(context);
    if (this.node !== 0) drawScale(this.bar, this.scene.scale(this.node), this.scene.palettes);
  }

  private drawMaps(context: CanvasRenderingContext2D): void {
    const image = this.scene.image(this.node);
    const [count, height, width] = this.tiles.shape;
    for (let map = 0; map < count; map++) {
      const [x, y] = corner(this.tiles, map);
      const [fromX, fromY] = image.origin(map);
      context.drawImage(image.canvas, fromX, fromY, width, height, x, y, width * this.tiles.zoom, height * this.tiles.zoom);
    }
  }

  private drawMarks(context: CanvasRenderingContext2D): void {
    const { focus } = this.scene;
    if (!focus) return;
    if (focus.node === this.node) {
      this.drawCell(context, focus.unit);
      return;
    }
    const region = focus.regions[this.node];
    if (region) this.drawRegion(context, region);
  }

  private drawCell(context: CanvasRenderingContext2D, unit: number): void {
    const cell = cellOf(this.tiles.shape, unit);
    const [x, y] = corner(this.tiles, cell.map);
    const { zoom } = this.tiles;
    outlineCell(context, x + cell.column * zoom, y + cell.row * zoom, zoom, zoom);
  }

  private drawRegion(context: CanvasRenderingContext2D, region: Region): void {
    const [count, height, width] = this.tiles.shape;
    const { zoom } = this.tiles;
    const [maps, rows = [0, height] as const, columns = [0, width] as const] = region.length === 1 ? [region[0]] : region;
    const [first, last] = this.node === 0 ? [0, 1] : maps ?? [0, count];
    for (let map = first; map < Math.min(last, count); map++) {
      const [x, y] = corner(this.tiles, map);
      outlineRegion(context, x + columns[0] * zoom, y + rows[0] * zoom, (columns[1] - columns[0]) * zoom, (rows[1] - rows[0]) * zoom);
    }
  }
}
