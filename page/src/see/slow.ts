// One convolution, slowly: the kernel goes over a map, products and their sum appear, the output fills in.

import { convolutionSteps, type ConvolutionStep, type ConvolutionSteps } from "../engine/index";
import type { Conv2dNode } from "../format";
import { colorOf, css, type Scale } from "./color";
import { button, coalesced, el, select, sized } from "./dom";
import { outlineCell, outlineRegion } from "./marks";
import { drawGrid, hatch } from "./number_grid";
import { cellDecimals, decimalsFor, fixed } from "./numbers";
import { mapsShape } from "./rows";
import type { Scene } from "./scene";
import { sourceOf } from "./terms";
import { cellOf } from "./tiles";

/** How long a whole map takes to fill in, in seconds, and the fewest steps a second. */
const [DURATION, SLOWEST] = [40, 3];
/** The side of a map, in pixels, and what it is where there is little room. */
const [SIDE, SMALL_SIDE, ROOMY] = [220, 150, 900];


export class Slow {
  readonly element = el("section", { class: "slow", "data-testid": "slow", "aria-label": "One convolution, slowly" });
  private readonly convolutions: readonly number[];
  private node: number;
  private channel = 0;
  /** Of the maps that the kernel reads. */
  private map = 0;
  private position = 0;
  private timer = 0;
  private readonly channels: HTMLSelectElement;
  private readonly maps: HTMLSelectElement;
  private readonly layers: HTMLSelectElement;
  private readonly slider = el("input", { type: "range", min: "0", step: "1", value: "0", "data-testid": "slow-slider", "aria-label": "Place of the kernel" });
  private readonly play = button("play", "slow-play", () => this.toggle());
  private readonly input = el("canvas", { role: "img", "aria-label": "The map that is read, with its border" });
  private readonly seen = el("canvas", { role: "img", "aria-label": "What the kernel sees" });
  private readonly kernel = el("canvas", { role: "img", "aria-label": "Weights" });
  private readonly products = el("canvas", { role: "img", "aria-label": "Products" });
  private readonly output = el("canvas", { role: "img", "aria-label": "The output, filling in" });
  private readonly inputTitle = el("figcaption");
  private readonly outputTitle = el("figcaption");
  private readonly line = el("p", { class: "sum-line", "data-testid": "slow-sum" });
  private readonly paint = coalesced(() => this.paintNow());

  constructor(private readonly scene: Scene, closed: () => void) {
    const { nodes } = scene.model;
    this.convolutions = nodes.flatMap(({ op }, index) => (op === "conv2d" ? [index] : []));
    this.node = this.convolutions[0] ?? 0;
    this.layers = select("Convolution", "slow-layer", this.convolutions.map((index) => [String(index), nodes[index]?.name ?? ""]), (value) => this.choose(Number(value), 0));
    this.channels = select("Output map", "slow-channel", [], (value) => this.choose(this.node, Number(value)));
    this.maps = select("Map that is read", "slow-map", [], (value) => {
      this.map = Number(value);
      this.paint();
    });
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    const figure = (canvas: HTMLElement, caption: HTMLElement | string) => el("figure", {}, canvas, typeof caption === "string" ? el("figcaption", {}, caption) : caption);
    this.element.append(
      el("header", {}, el("h3", {}, "One convolution, slowly"),
        el("label", {}, "layer ", this.layers), el("label", {}, "output ", this.channels), el("label", {}, "reads ", this.maps),
        button("close", "slow-close", closed)),
      el("div", { class: "player" }, this.play, this.slider),
      el("div", { class: "grids" },
        figure(this.input, this.inputTitle), el("span", { class: "sign" }, "→"), figure(this.seen, "what the kernel sees"), el("span", { class: "sign" }, "×"),
        figure(this.kernel, "weights"), el("span", { class: "sign" }, "="), figure(this.products, "products"), el("span", { class: "sign" }, "→"),
        figure(this.output, this.outputTitle)),
      this.line);
    this.element.hidden = true;
    new ResizeObserver(() => this.paint()).observe(this.element);
    scene.onChange((change) => {
      if (change !== "focus" && !this.element.hidden) this.paint();
    });
  }

  get isPossible(): boolean {
    return this.convolutions.length > 0;
  }

  /** Opens at the unit in focus, if a convolution makes it, else at the last place. */
  open(): void {
    this.element.hidden = false;
    const { focus, rows, model } = this.scene;
    const row = rows.find(({ steps }) => focus && steps.includes(focus.node));
    const node = row?.steps.find((step) => this.convolutions.includes(step));
    if (focus && node !== undefined) {
      const shape = mapsShape(model.nodes[node]?.shape ?? []);
      const { map } = cellOf(shape, focus.unit);
      this.choose(node, map);
      this.go(focus.unit - map * shape[1] * shape[2]);
    } else {
      this.choose(this.node, this.channel);
    }
  }

  close(): void {
    this.stop();
    this.element.hidden = true;
  }

  private steps(): ConvolutionSteps | null {
    return convolutionSteps(this.scene.engine, this.node, this.channel);
  }

  private choose(node: number, channel: number): void {
    [this.node, this.channel, this.map] = [node, channel, 0];
    const steps = this.steps();
    if (!steps) return;
    const { places, channels: [first, last], kernel } = steps;
    const size = kernel.length / Math.max(1, last - first);
    const weight = (map: number) => kernel.slice(map * size, (map + 1) * size).reduce((sum, value) => sum + Math.abs(value), 0);
    for (let map = 1; map < last - first; map++) if (weight(map) > weight(this.map)) this.map = map;
    const count = this.scene.model.nodes[node]?.shape[0] ?? 0;
    const numbers = (from: number, to: number, name: (index: number) => string) =>
      Array.from({ length: to - from }, (_, index) => el("option", { value: String(index) }, name(from + index)));
    this.channels.replaceChildren(...numbers(0, count, (index) => `map ${index}`));
    this.maps.replaceChildren(...numbers(first, last, (index) => `map ${index}`));
    [this.layers.value, this.channels.value, this.maps.value] = [String(node), String(channel), String(this.map)];
    this.slider.max = String(places - 1);
    this.go(Math.min(this.position, places - 1));
  }

  private go(position: number): void {
    this.position = position;
    this.slider.value = String(position);
    const columns = this.steps()?.columns ?? 1;
    this.slider.setAttribute("aria-valuetext", `row ${Math.floor(position / columns)}, column ${position % columns}`);
    this.paint();
  }

  private toggle(): void {
    if (this.timer !== 0) {
      this.stop();
      return;
    }
    const count = this.steps()?.places ?? 1;
    if (this.position >= count - 1) this.go(0);
    this.play.textContent = "pause";
    const rate = Math.max(SLOWEST, count / DURATION);
    this.timer = window.setInterval(() => {
      if (this.position >= count - 1) this.stop();
      else this.go(this.position + 1);
    }, 1000 / rate);
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    this.play.textContent = "play";
  }

  private paintNow(): void {
    if (this.element.hidden || this.scene.isBusy || this.element.clientWidth === 0) return;
    const node = this.scene.model.nodes[this.node];
    const steps = this.steps();
    if (node?.op !== "conv2d" || !steps) return;
    const step = steps.step(this.position);
    const [first] = steps.channels;
    const source = sourceOf(this.scene.model, node.inputs[0] ?? 0);
    this.inputTitle.textContent = `map ${first + this.map} of ${this.scene.model.nodes[source]?.name ?? ""}${borderText(node)}`;
    this.outputTitle.textContent = `map ${this.channel} of ${node.name}, before norm and function`;
    this.paintInput(node, node.inputs[0] ?? 0, first + this.map, step.top, step.left);
    this.paintKernel(node, steps, step, source);
    this.paintOutput(steps);
    const products = step.sum;
    const decimals = decimalsFor([products, step.value]);
    const { bias } = steps;
    const [, last] = steps.channels;
    const own = part(step.products, this.map, node);
    const ownSum = own.reduce((sum, product) => sum + product, 0);
    this.line.textContent = (last - first > 1 ? `this map ${fixed(ownSum, decimals)}, all ${last - first} maps ` : "products ")
      + `${fixed(products, decimals)} ${bias < 0 ? "−" : "+"} bias ${fixed(Math.abs(bias), decimals)} = ${fixed(step.value, decimals)}`;
  }

  /** The map with its border, and the kernel's window on it. */
  private paintInput(node: Conv2dNode, read: number, map: number, top: number, left: number): void {
    const shape = mapsShape(this.scene.model.nodes[read]?.shape ?? []);
    const [, height, width] = shape;
    const [[above, below], [before, behind]] = node.padding;
    const [rows, columns] = [height + above + below, width + before + behind];
    const zoom = this.zoomFor(rows, columns);
    const context = sized(this.input, columns * zoom, rows * zoom);
    const [scale, { palettes }] = [this.scene.valueScale(read), this.scene];
    const values = this.scene.values(read);
    const zero = css(colorOf(0, scale, palettes));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [y, x] = [row - above, column - before];
        const isInside = y >= 0 && y < height && x >= 0 && x < width;
        context.fillStyle = isInside ? css(colorOf(values[(map * height + y) * width + x] ?? NaN, scale, palettes)) : zero;
        context.fillRect(column * zoom, row * zoom, zoom, zoom);
        if (!isInside) hatch(context, column * zoom, row * zoom, zoom, scale.signed ? "#888" : "#fff");
      }
    }
    const [, , high = 1, wide = 1] = node.weight.shape;
    const reach = (size: number, dilation: number) => ((size - 1) * dilation + 1) * zoom;
    outlineRegion(context, (left + before) * zoom, (top + above) * zoom, reach(wide, node.dilation[1]), reach(high, node.dilation[0]));
  }

  private paintKernel(node: Conv2dNode, steps: ConvolutionSteps, step: ConvolutionStep, source: number): void {
    const [, , rows = 1, columns = 1] = node.weight.shape;
    const side = Math.max(30, Math.min(44, Math.floor(170 / Math.max(rows, columns))));
    const signed = (values: ArrayLike<number>): Scale => ({ signed: true, reach: Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0) });
    const draw = (canvas: HTMLCanvasElement, all: ArrayLike<number>, scale: Scale) => {
      const values = part(all, this.map, node);
      const context = sized(canvas, columns * side, rows * side);
      drawGrid(context, { rows, columns, values, scale }, 0, 0, side, cellDecimals(values), this.scene.palettes);
    };
    draw(this.seen, step.patch, this.scene.valueScale(source));
    draw(this.kernel, steps.kernel, signed(steps.kernel));
    draw(this.products, step.products, signed(steps.kernel.map((weight) => weight * this.scene.valueScale(source).reach)));
  }

  /** What was computed up to here. */
  private paintOutput({ places, columns }: ConvolutionSteps): void {
    const rows = places / columns;
    const zoom = this.zoomFor(rows, columns);
    const context = sized(this.output, columns * zoom, rows * zoom);
    const [scale, { palettes }] = [this.scene.valueScale(this.node), this.scene];
    const values = this.scene.values(this.node);
    const style = getComputedStyle(this.element);
    context.strokeStyle = style.getPropertyValue("--line");
    context.strokeRect(0.5, 0.5, columns * zoom - 1, rows * zoom - 1);
    for (let index = 0; index <= this.position; index++) {
      context.fillStyle = css(colorOf(values[this.channel * places + index] ?? NaN, scale, palettes));
      context.fillRect((index % columns) * zoom, Math.floor(index / columns) * zoom, zoom, zoom);
    }
    outlineCell(context, (this.position % columns) * zoom, Math.floor(this.position / columns) * zoom, zoom, zoom);
  }

  private zoomFor(rows: number, columns: number): number {
    const side = this.element.clientWidth < ROOMY ? SMALL_SIDE : SIDE;
    return Math.max(1, Math.floor(side / Math.max(rows, columns)));
  }
}

/** The numbers that belong to one of the maps that a kernel reads. */
function part(all: ArrayLike<number>, map: number, node: Conv2dNode): number[] {
  const [, , rows = 1, columns = 1] = node.weight.shape;
  return Array.from(all).slice(map * rows * columns, (map + 1) * rows * columns);
}


function borderText({ padding, stride, dilation }: Conv2dNode): string {
  const border = padding.some((sides) => sides.some((size) => size > 0)) ? ", with its border of zeros" : "";
  const step = stride.some((size) => size > 1) ? `, stride ${stride[0]}` : "";
  const spread = dilation.some((size) => size > 1) ? `, dilation ${dilation[0]}` : "";
  return border + step + spread;
}

