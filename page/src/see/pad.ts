// The drawing pad: pen and eraser by mouse, finger, pen or keys, over nothing or over a picture.

import { draw, ERASER, PEN, type Fit, type Stroke } from "../engine/index";
import type { Input } from "../format";
import type { Palette } from "./color";
import { coalesced, el, sized } from "./dom";
import { mixHeat, pictureColors, strengthAt, type Heat } from "./heat";
import { MARK } from "./marks";

export type Place = Stroke["points"][number];

/** What is on the pad: strokes over a picture of the input's bytes, or over nothing. */
interface Drawing {
  readonly base: Uint8Array | null;
  readonly strokes: readonly Stroke[];
}

const EMPTY: Drawing = { base: null, strokes: [] };
/** How many steps back are remembered. */
const MEMORY = 100;

export class Pad {
  readonly element = el("div", { class: "pad" });
  readonly canvas = el("canvas", {
    tabindex: "0", role: "application", "data-testid": "pad",
    "aria-label": "Drawing pad. Arrow keys move the pen, space puts it down or lifts it.",
  });
  isErasing = false;
  /** The pen's bytes of each channel, and its width, where 1 is the pad's. */
  color: readonly number[];
  width = 2 * PEN;
  /** Heat over the picture. */
  heat: Heat | null = null;

  private readonly history: Drawing[] = [];
  private drawing = EMPTY;
  private points: Place[] | null = null;
  private pointer = -1;
  /** Where the keyboard's pen is; null until a key is pressed. */
  private cursor: Place | null = null;
  private isPenDown = false;
  private bytes: Uint8Array;
  /** Where the drawing lies in the network's picture: pixels are scale · place on the pad + (x, y). */
  private fit: Fit | null = null;
  private readonly pixels: HTMLCanvasElement;
  private readonly repaint = coalesced(() => this.paint());

  /** `begun` is called before a stroke, `changed` with the picture while it is drawn, `ended` behind it. */
  constructor(
    private readonly input: Input, private palette: Palette,
    private readonly begun: () => void, private readonly changed: (bytes: Uint8Array) => void, private readonly ended: () => void,
  ) {
    this.color = input.drawing.ink;
    this.bytes = this.paper();
    this.pixels = el("canvas", { width: String(input.width), height: String(input.height) });
    this.element.append(this.canvas);
    this.element.style.aspectRatio = `${input.width} / ${input.height}`;
    new ResizeObserver(() => this.repaint()).observe(this.element);
    this.listen();
  }

  private paper(): Uint8Array {
    const { channels, height, width, drawing } = this.input;
    return Uint8Array.from({ length: channels * height * width }, (_, index) => drawing.paper[Math.floor(index / (height * width))] ?? 0);
  }

  private listen(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.points) return;
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true });
      this.pointer = event.pointerId;
      this.cursor = null;
      this.begin(this.placeOf(event));
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== this.pointer || !this.points) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length > 0 ? events : [event]) this.points.push(this.placeOf(each));
      this.update();
    });
    for (const name of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId === this.pointer) this.end();
      });
    }
    canvas.addEventListener("keydown", (event) => this.pressed(event));
    canvas.addEventListener("blur", () => this.liftPen());
  }

  private placeOf(event: PointerEvent): Place {
    const box = this.canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.width };
  }

  private begin(place: Place): void {
    this.begun();
    this.points = [place];
    this.update();
  }

  private end(): void {
    if (!this.points) return;
    const stroke = this.stroke(this.points);
    [this.points, this.pointer] = [null, -1];
    this.become({ base: this.drawing.base, strokes: [...this.drawing.strokes, stroke] });
    this.ended();
  }

  private stroke(points: readonly Place[]): Stroke {
    return { erase: this.isErasing, color: this.color, width: this.width, points: [...points] };
  }

  private pressed(event: KeyboardEvent): void {
    const step = (event.shiftKey ? 4 : 1) / this.input.width;
    const moves: Record<string, readonly [number, number]> = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (!move && event.key !== " ") return;
    event.preventDefault();
    const bottom = this.input.height / this.input.width;
    const at = this.cursor ?? { x: 0.5, y: bottom / 2 };
    const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
    this.cursor = move ? { x: clamp(at.x + move[0], 1), y: clamp(at.y + move[1], bottom) } : at;
    if (!move) {
      if (this.isPenDown) this.liftPen();
      else {
        this.isPenDown = true;
        this.begin(this.cursor);
      }
    } else if (this.isPenDown && this.points) {
      this.points.push(this.cursor);
      this.update();
    }
    this.repaint();
  }

  private liftPen(): void {
    if (!this.isPenDown) return;
    this.isPenDown = false;
    this.end();
  }

  /** Puts a picture of the input's bytes on the pad. */
  put(bytes: Uint8Array): void {
    this.begun();
    this.become({ base: bytes, strokes: [] });
    this.ended();
  }

  clear(): void {
    this.begun();
    this.become(EMPTY);
    this.ended();
  }

  undo(): void {
    const before = this.history.pop();
    if (!before) return;
    this.begun();
    this.drawing = before;
    this.update();
    this.ended();
  }

  get canUndo(): boolean {
    return this.history.length > 0;
  }

  /** Lines from elsewhere, where 1 is the pad's width. */
  drawStrokes(lines: readonly (readonly Place[])[]): void {
    for (const points of lines) {
      this.begun();
      this.become({ base: this.drawing.base, strokes: [...this.drawing.strokes, this.stroke(points)] });
      this.ended();
    }
  }

  private become(drawing: Drawing): void {
    if (this.drawing !== EMPTY || drawing !== EMPTY) this.history.push(this.drawing);
    if (this.history.length > MEMORY) this.history.shift();
    this.drawing = drawing;
    this.update();
  }

  setPalette(palette: Palette): void {
    this.palette = palette;
    this.repaint();
  }

  setHeat(heat: Heat | null): void {
    if (!heat && !this.heat) return;
    this.heat = heat;
    this.repaint();
  }

  private get strokes(): readonly Stroke[] {
    return this.points ? [...this.drawing.strokes, this.stroke(this.points)] : this.drawing.strokes;
  }

  /** Whether the pad shows lines, which are moved and resized to become the network's picture. */
  private get isFitted(): boolean {
    return this.input.drawing.centering === "mnist" && this.drawing.base === null;
  }

  private update(): void {
    const drawn = draw(this.strokes, this.input, this.drawing.base);
    [this.bytes, this.fit] = [drawn.bytes, drawn.fit];
    this.repaint();
    this.changed(this.bytes);
  }

  private paint(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0) return;
    const context = sized(this.canvas, width, height);
    if (this.isFitted) this.paintLines(context, width, height);
    else this.paintPixels(context, width, height);
    if (this.cursor && document.activeElement === this.canvas) {
      const { x, y } = this.cursor;
      context.lineWidth = 2;
      context.strokeStyle = MARK;
      context.beginPath();
      context.arc(x * width, y * width, this.isPenDown ? 4 : 8, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  private paintPixels(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { input } = this;
    const colors = pictureColors(this.bytes, input.height * input.width);
    if (this.heat) mixHeat(colors, input.width, input.height, this.heat, this.palette);
    this.toPixels(colors);
    context.drawImage(this.pixels, 0, 0, width, height);
  }

  private paintLines(context: CanvasRenderingContext2D, width: number, height: number): void {
    const { drawing } = this.input;
    context.fillStyle = bytesCss(drawing.paper);
    context.fillRect(0, 0, width, height);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) {
      context.strokeStyle = bytesCss(stroke.erase ? drawing.paper : (stroke.color ?? drawing.ink));
      context.lineWidth = (stroke.erase ? 2 * ERASER : (stroke.width ?? 2 * PEN)) * width;
      context.beginPath();
      const [first, ...rest] = stroke.points;
      if (!first) continue;
      context.moveTo(first.x * width, first.y * width);
      // A point is a line without length.
      context.lineTo(first.x * width, first.y * width);
      for (const { x, y } of rest) context.lineTo(x * width, y * width);
      context.stroke();
    }
    if (this.heat && this.fit) this.paintHeat(context, width, this.heat, this.fit);
  }

  /** Heat over lines: it lies over the network's picture, and goes back to where the lines are. */
  private paintHeat(
    context: CanvasRenderingContext2D, width: number, heat: Heat, fit: Fit,
  ): void {
    const { height: rows, width: columns } = this.input;
    const colors = new Uint32Array(rows * columns);
    for (let index = 0; index < colors.length; index++) {
      const strength = strengthAt(heat, ((index % columns) + 0.5) / columns, (Math.floor(index / columns) + 0.5) / rows);
      const color = this.palette[Math.round(strength * (this.palette.length - 1))] ?? 0;
      const alpha = Math.round(255 * Math.min(1, 1.3 * strength) * 0.9);
      colors[index] = ((color & 0xffffff) | (alpha << 24)) >>> 0;
    }
    this.toPixels(colors);
    const [left, top] = [(-fit.x / fit.scale) * width, (-fit.y / fit.scale) * width];
    context.imageSmoothingEnabled = true;
    context.drawImage(this.pixels, left, top, (columns / fit.scale) * width, (rows / fit.scale) * width);
    context.imageSmoothingEnabled = false;
  }

  private toPixels(colors: Uint32Array): void {
    const context = this.pixels.getContext("2d") as CanvasRenderingContext2D;
    const data = context.createImageData(this.pixels.width, this.pixels.height);
    new Uint32Array(data.data.buffer).set(colors);
    context.putImageData(data, 0, 0);
  }
}

function bytesCss(bytes: readonly number[]): string {
  const [r = 0, g = r, b = r] = bytes;
  return `rgb(${r},${g},${b})`;
}
