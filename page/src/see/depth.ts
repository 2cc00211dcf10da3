// The view in depth: all layers, one behind another, in perspective.

import { arrange, leastLength, mapCorner, placeOn, type Plate } from "./arrange";
import { Camera, type Margin, type Point } from "./camera";
import { coalesced, el, sized } from "./dom";
import { drawPatch, linesTo, tracePatch } from "./depth_marks";
import { percent } from "./numbers";
import { led, type Spot } from "./keys";
import { Labels } from "./labels";
import { drawScale } from "./legend";
import { Orbit } from "./orbit";
import { largest, type Scene } from "./scene";
import { cellOf, unitOf } from "./tiles";
import { className, shortened, unitText } from "./words";

const FONT = "system-ui, sans-serif";
const BEST = `600 14px ${FONT}`;
/** More classes than that are not named beside their units. */
const NAMED = 20;

export class DepthView {
  readonly element = el("div", { class: "depth" });
  private readonly canvas = el("canvas", {
    tabindex: "0", role: "img", "data-testid": "depth",
    "aria-label": "All layers in perspective. Arrow keys go from value to value, page up and page down from layer to layer, "
      + "Enter keeps one, Escape lets go. Shift and arrow keys turn, plus and minus zoom, 0 shows all.",
  });
  /** The colors of the layer that is pointed at. */
  private readonly legend = el("canvas", { class: "scale", "aria-hidden": "true" });
  private readonly orbit: Orbit;
  private readonly said = el("p", { class: "unseen", role: "status", "data-testid": "said-depth" });
  private plates: Plate[] = [];
  /** Where the keyboard is. */
  private cursor: Spot = { layer: 1, unit: 0 };
  private camera: Camera | null = null;
  private width = 0;
  private height = 0;
  private isWide = true;
  private readonly paint = coalesced(() => this.paintNow());

  constructor(private readonly scene: Scene) {
    this.element.append(this.canvas, this.legend, this.said, el("p", { class: "hint", "aria-hidden": "true" }, "drag to turn · ctrl + wheel or pinch to zoom · double click to see all"));
    this.orbit = new Orbit(this.canvas, () => this.paint());
    this.canvas.addEventListener("pointermove", (event) => {
      if (this.orbit.isTurning) return;
      const hit = this.hit({ x: event.offsetX, y: event.offsetY });
      this.canvas.style.cursor = hit ? "crosshair" : "grab";
      if (hit) scene.lookAt(hit.node, hit.unit);
      else scene.release();
    });
    this.canvas.addEventListener("pointerleave", () => scene.release());
    this.canvas.addEventListener("blur", () => scene.release());
    this.canvas.addEventListener("keydown", (event) => this.pressed(event));
    this.canvas.addEventListener("click", (event) => {
      if (this.orbit.hasTurned) return;
      const hit = this.hit({ x: event.offsetX, y: event.offsetY });
      const { focus, kept } = scene;
      if (!hit || (kept && focus?.node === hit.node && focus.unit === hit.unit)) scene.release(true);
      else scene.lookAt(hit.node, hit.unit, true);
    });
    new ResizeObserver(() => this.resize()).observe(this.element);
    scene.onChange(() => this.paint());
  }

  /** Keys move the focus, from where it is or, if there is none, show where it was last. */
  private pressed(event: KeyboardEvent): void {
    if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    const { scene } = this;
    const { rows, focus, kept } = scene;
    const layer = rows.findIndex(({ node }) => node === focus?.node);
    if (focus && layer >= 0) this.cursor = { layer, unit: focus.unit };
    const keeps = event.key === "Enter" || event.key === " ";
    const next = keeps ? this.cursor : led(this.plates, this.cursor, event.key);
    if (!next) return;
    event.preventDefault();
    if (focus) this.cursor = next;
    const row = rows[this.cursor.layer];
    if (!row) return;
    scene.lookAt(row.node, this.cursor.unit, keeps || kept);
    this.said.textContent = unitText(scene, row.node, this.cursor.unit);
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.isWide = clientWidth > 1.1 * clientHeight;
    const count = this.scene.rows.length;
    const shapes = this.scene.rows.map(({ node }) => this.scene.image(node).shape);
    const least = leastLength(count);
    if (this.isWide) {
      this.orbit.home({ yaw: Math.min(1.12, 0.8 + 0.02 * count), pitch: 0.16 });
      this.plates = arrange(shapes, Math.max((1.5 * clientWidth) / clientHeight, least), "column");
    } else {
      // On a narrow screen layers lie on top of each other.
      this.orbit.home({ yaw: 0.28, pitch: 0.92 });
      this.plates = arrange(shapes, Math.max((2.3 * clientHeight) / clientWidth, least), "row");
    }
    this.paint();
  }

  /** The unit of a layer that is seen at a place of the canvas. */
  private hit(place: Point): { node: number; unit: number } | null {
    const camera = this.camera;
    if (!camera) return null;
    for (const index of this.order(camera).reverse()) {
      const [plate, row] = [this.plates[index], this.scene.rows[index]];
      if (!plate || !row) continue;
      const point = camera.unproject(plate.at, place);
      const cell = point && placeOn(plate, point.u, point.v);
      if (cell) return { node: row.node, unit: unitOf(plate.shape, cell) };
    }
    return null;
  }

  /** Indices of the layers from the farthest to the nearest. */
  private order(camera: Camera): number[] {
    const indices = this.plates.map((_, index) => index);
    return camera.looksAhead ? indices.reverse() : indices;
  }

  private paintNow(): void {
    if (this.width === 0 || this.element.offsetParent === null) return;
    const context = sized(this.canvas, this.width, this.height);
    const style = getComputedStyle(this.element);
    const ink = style.color;
    const camera = new Camera(this.orbit.view, this.plates, this.width, this.height, this.margin(context));
    this.camera = camera;
    for (const index of this.order(camera)) this.drawPlate(context, camera, index, style.getPropertyValue("--line"), style.getPropertyValue("--paper"));
    this.drawFocus(context, camera);
    this.drawNames(context, camera, style.getPropertyValue("--muted"), style.getPropertyValue("--paper"));
    this.drawClasses(context, camera, ink, style.getPropertyValue("--muted"), style.getPropertyValue("--paper"));
    this.drawValue(context, camera, ink, style.getPropertyValue("--paper"));
    const node = this.scene.focus?.node ?? 0;
    this.legend.hidden = node === 0;
    if (node !== 0) drawScale(this.legend, this.scene.scale(node), this.scene.palettes);
  }

  /** Room for the classes' names at the right, and for the layers' below. */
  private margin(context: CanvasRenderingContext2D): Margin {
    if (!this.isWide) return { left: 74, right: 14, top: 44, bottom: 36 };
    context.font = BEST;
    const names = this.namedClasses().map((index) => context.measureText(`${shortened(className(this.scene, index))}  > 99.9 %`).width);
    const right = names.length > 0 ? Math.min(this.width / 3, Math.max(...names) + 22) : 24;
    return { left: 24, right, top: 26, bottom: 44 };
  }

  private namedClasses(): number[] {
    const count = this.scene.shares.length;
    return count <= NAMED ? Array.from({ length: count }, (_, index) => index) : [];
  }

  private drawPlate(context: CanvasRenderingContext2D, camera: Camera, index: number, line: string, paper: string): void {
    const [plate, row] = [this.plates[index], this.scene.rows[index]];
    if (!plate || !row) return;
    const edge = 0.025;
    tracePatch(context, camera, plate.at, [-plate.width / 2 - edge, -plate.height / 2 - edge, plate.width + 2 * edge, plate.height + 2 * edge]);
    context.globalAlpha = 0.72;
    context.fillStyle = paper;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.strokeStyle = line;
    context.stroke();
    const image = this.scene.image(row.node);
    const [count, height, width] = plate.shape;
    for (let map = 0; map < count; map++) {
      const [u, v] = mapCorner(plate, map);
      const [x, y] = image.origin(map);
      drawPatch(context, camera, plate.at, [u, v, plate.mapWidth, plate.mapHeight], image.canvas, [x, y, width, height], paper);
    }
  }

  private drawFocus(context: CanvasRenderingContext2D, camera: Camera): void {
    const { focus } = this.scene;
    if (!focus) return;
    const own = this.scene.rows.findIndex(({ steps }) => steps.includes(focus.node));
    const plate = this.plates[own];
    if (!plate) return;
    const cell = cellOf(plate.shape, focus.unit);
    const [u, v] = mapCorner(plate, cell.map);
    const [, height, width] = plate.shape;
    const side = [plate.mapWidth / width, plate.mapHeight / height] as const;
    const unit = [u + cell.column * side[0], v + cell.row * side[1], side[0], side[1]] as const;
    for (let index = 0; index < own; index++) {
      const [seen, row] = [this.plates[index], this.scene.rows[index]];
      const region = row ? focus.regions[row.node] : null;
      if (!seen || !row || !region) continue;
      const isDirect = !this.scene.rows.slice(index + 1, own).some(({ node }) => focus.regions[node]);
      linesTo(context, camera, { plate, patch: unit }, { plate: seen, region, isPicture: row.node === 0 }, isDirect);
    }
    linesTo(context, camera, { plate, patch: unit }, null, true);
  }

  /** Layers' names, under them or beside them, as many as there is room for. */
  private drawNames(context: CanvasRenderingContext2D, camera: Camera, color: string, paper: string): void {
    context.font = `11.5px ${FONT}`;
    const labels = new Labels(context, paper);
    const last = this.plates.length - 1;
    for (const index of new Set([0, last, ...this.plates.keys()])) {
      const [plate, row] = [this.plates[index], this.scene.rows[index]];
      if (!plate || !row) continue;
      const place = this.isWide
        ? camera.project(plate.at, 0, plate.height / 2 + 0.1)
        : camera.project(plate.at, -plate.width / 2 - 0.05, 0);
      labels.add(shortened(row.name, 24), place, this.isWide ? "center" : "right", color);
    }
  }

  /** The classes' names at their numbers, the likeliest first where there is no room for all. */
  private drawClasses(context: CanvasRenderingContext2D, camera: Camera, ink: string, muted: string, paper: string): void {
    const plate = this.plates[this.plates.length - 1];
    const { shares } = this.scene;
    if (!plate || shares.length !== plate.shape[0]) return;
    const best = largest(shares);
    const labels = new Labels(context, paper);
    for (const index of this.namedClasses().sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0))) {
      const [u, v] = mapCorner(plate, index);
      const isBest = index === best;
      context.font = isBest ? BEST : `12px ${FONT}`;
      const share = shares[index] ?? 0;
      const name = shortened(className(this.scene, index));
      const text = share >= 0.01 ? `${name}  ${percent(share)}` : name;
      const place = this.isWide
        ? camera.project(plate.at, u + plate.mapWidth, v + plate.mapHeight / 2)
        : camera.project(plate.at, u + plate.mapWidth / 2, v);
      const moved = this.isWide ? { x: place.x + 8, y: place.y } : this.above(camera, plate, place.x, context.measureText(text).width);
      labels.add(text, moved, this.isWide ? "left" : "center", isBest ? ink : muted);
    }
  }

  /** The middle of a text of this width over a sheet, at `x` if the canvas has room there. */
  private above(camera: Camera, plate: Plate, x: number, wide: number): Point {
    const middle = Math.max(wide / 2 + 4, Math.min(this.width - wide / 2 - 4, x));
    const [left, right] = [-1, 1].map((side) => camera.project(plate.at, (side * plate.width) / 2, -plate.height / 2));
    if (!left || !right) return { x, y: 0 };
    // The edge slopes: its highest place under the text counts.
    const edge = [middle - wide / 2, middle + wide / 2].map((end) => {
      const share = Math.max(0, Math.min(1, (end - left.x) / Math.max(1, right.x - left.x)));
      return left.y + share * (right.y - left.y);
    });
    return { x: middle, y: Math.min(...edge) - 11 };
  }

  /** What the unit in focus is, beside it. */
  private drawValue(context: CanvasRenderingContext2D, camera: Camera, ink: string, paper: string): void {
    const { focus } = this.scene;
    const own = this.scene.rows.findIndex(({ node }) => node === focus?.node);
    const plate = this.plates[own];
    if (!focus || !plate) return;
    const cell = cellOf(plate.shape, focus.unit);
    const [u, v] = mapCorner(plate, cell.map);
    const [, height, width] = plate.shape;
    const place = camera.project(plate.at, u + ((cell.column + 0.5) * plate.mapWidth) / width, v + (cell.row * plate.mapHeight) / height);
    const text = unitText(this.scene, focus.node, focus.unit);
    context.font = `600 12px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const wide = context.measureText(text).width + 12;
    const [x, y] = [Math.max(2, Math.min(this.width - wide - 2, place.x - wide / 2)), Math.max(2, place.y - 30)];
    context.fillStyle = ink;
    context.beginPath();
    context.rect(x, y, wide, 20);
    context.fill();
    context.fillStyle = paper;
    context.fillText(text, x + 6, y + 10.5);
  }
}

