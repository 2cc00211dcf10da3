// From strokes on the drawing pad to the bytes of a picture that the network knows.
//
// A network only knows digits that were prepared as its own were. MNIST's were scaled into a box of 20×20 and moved
// by whole pixels until their center of mass was in the middle of 28×28. Strokes are lines, not pixels, so they are
// scaled without their pen: a digit has the pen's width however large it was drawn. (`src/data/strokes.rs` draws so.)

import type { Input } from "../format";

/** A line that the pen or the eraser went. Along both directions 1 is the pad's width. */
export interface Stroke {
  readonly erase: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Bytes of each channel; the input's ink if not given. */
  readonly color?: readonly number[];
  /** Of the pen, where 1 is the pad's width; twice `PEN` if not given. */
  readonly width?: number;
}

/** Where the pad came to lie: pixels of the input = scale · place on the pad + (x, y). */
export interface Fit {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Drawn {
  /** `[C, H, W]` */
  readonly bytes: Uint8Array;
  readonly fit: Fit;
}

/** Half the width of pen and eraser, where 1 is the pad's width. */
export const PEN = 1.4 / 28;
export const ERASER = 2.8 / 28;

/** Over so many pixels ink fades at its edge. */
const EDGE = 1.1;
/** Of the picture's size, what a digit takes. */
const BOX = 20 / 28;
/** So much a small drawing is enlarged at most, or the first dots of a stroke would fill the picture. */
const LARGEST = 2;
/** The drawing is measured at so many times the picture's resolution. */
const FINE = 4;

/** What strokes are painted on: values of each channel, row by row. */
interface Sheet {
  readonly width: number;
  readonly height: number;
  readonly channels: Float32Array[];
}

/**
 * What the strokes make of `below`, bytes `[C, H, W]`, or of an empty pad. Only on an empty pad they are fitted, where
 * the network wants that.
 */
export function draw(strokes: readonly Stroke[], input: Input, below: Uint8Array | null = null): Drawn {
  const { channels, height, width, drawing } = input;
  const fit =
    drawing.centering === "mnist" && below === null
      ? centered(strokes, width, height)
      : { scale: width, x: 0, y: 0 };
  const places = height * width;
  const planes = Array.from({ length: channels }, (_, c) =>
    below
      ? Float32Array.from(below.subarray(c * places, (c + 1) * places))
      : new Float32Array(places).fill(drawing.paper[c] ?? 0),
  );
  paint({ width, height, channels: planes }, strokes, fit, (stroke) =>
    stroke.erase ? drawing.paper : (stroke.color ?? drawing.ink),
  );
  const bytes = new Uint8Array(channels * places);
  planes.forEach((plane, c) => plane.forEach((value, at) => (bytes[c * places + at] = Math.round(value))));
  return { bytes, fit };
}

/** As MNIST's digits were fitted and centered. */
function centered(strokes: readonly Stroke[], width: number, height: number): Fit {
  const fine = ink(strokes, { scale: FINE * width, x: 0, y: 0 }, FINE * width, FINE * height);
  const box = boundsOf(fine, 0.5);
  if (box === null) return { scale: width, x: 0, y: 0 };
  const extent = Math.max(box.right - box.left, box.bottom - box.top) / FINE;
  const pen = 2 * Math.max(...strokes.map(radiusOf)) * width;
  const most = BOX * Math.min(width, height) - EDGE - pen;
  const scale = Math.min(most / Math.max(extent - pen, 1), LARGEST);
  const fit = {
    scale: scale * width,
    x: width / 2 - (scale * (box.left + box.right)) / 2 / FINE,
    y: height / 2 - (scale * (box.top + box.bottom)) / 2 / FINE,
  };
  const [x, y] = centerOfMass(ink(strokes, fit, width, height));
  // MNIST's middle is that of the pixel behind the true one.
  const shift = (size: number, at: number) => Math.round((size + 1) / 2 - at);
  return { scale: fit.scale, x: fit.x + shift(width, x), y: fit.y + shift(height, y) };
}

/** The strokes' ink alone, from 0 to 1. */
function ink(strokes: readonly Stroke[], fit: Fit, width: number, height: number): Sheet {
  const sheet = { width, height, channels: [new Float32Array(width * height)] };
  paint(sheet, strokes, fit, ({ erase }) => [erase ? 0 : 1]);
  return sheet;
}

/** Lays each stroke's color over a sheet as wide as the picture. */
function paint(sheet: Sheet, strokes: readonly Stroke[], fit: Fit, color: (stroke: Stroke) => readonly number[]): void {
  const mask = new Float32Array(sheet.width * sheet.height);
  for (const stroke of strokes) {
    mask.fill(0);
    // The eraser is as wide as on the pad, the pen as in the picture.
    const radius = stroke.erase ? ERASER * fit.scale : radiusOf(stroke) * sheet.width;
    const placed = stroke.points.map(({ x, y }) => ({ x: fit.scale * x + fit.x, y: fit.scale * y + fit.y }));
    placed.forEach((to, at) => cover(mask, sheet, placed[at - 1] ?? to, to, radius));
    const laid = color(stroke);
    sheet.channels.forEach((plane, c) => {
      for (let at = 0; at < mask.length; at++) {
        plane[at] = plane[at]! + (laid[c]! - plane[at]!) * mask[at]!;
      }
    });
  }
}

function radiusOf({ width }: Stroke): number {
  return width === undefined ? PEN : width / 2;
}

type Point = { readonly x: number; readonly y: number };

/** Raises the mask to 1 within `radius` of the way from one point to another. */
function cover(mask: Float32Array, { width, height }: Sheet, from: Point, to: Point, radius: number) {
  const reach = radius + EDGE / 2;
  const range = (a: number, b: number, size: number): [number, number] => [
    Math.max(Math.floor(Math.min(a, b) - reach), 0),
    Math.min(Math.ceil(Math.max(a, b) + reach), size),
  ];
  const [left, right] = range(from.x, to.x, width);
  const [top, bottom] = range(from.y, to.y, height);
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.max(dx * dx + dy * dy, 1e-9);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const px = column + 0.5 - from.x;
      const py = row + 0.5 - from.y;
      const along = Math.min(Math.max((px * dx + py * dy) / length, 0), 1);
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const covered = Math.min(Math.max((radius - distance) / EDGE + 0.5, 0), 1);
      const at = row * width + column;
      mask[at] = Math.max(mask[at]!, covered);
    }
  }
}

/** The smallest box around all pixels above `least`; null if there are none. */
function boundsOf({ width, channels: [plane] }: Sheet, least: number) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  plane!.forEach((value, at) => {
    if (value <= least) return;
    const [row, column] = [Math.floor(at / width), at % width];
    [left, right] = [Math.min(left, column), Math.max(right, column + 1)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row + 1)];
  });
  return right > left ? { left, right, top, bottom } : null;
}

/** Where the middle of the first pixel is (0.5, 0.5). */
function centerOfMass({ width, channels: [plane] }: Sheet): [number, number] {
  let [x, y, mass] = [0, 0, 1e-9];
  plane!.forEach((value, at) => {
    x += value * ((at % width) + 0.5);
    y += value * (Math.floor(at / width) + 0.5);
    mass += value;
  });
  return [x / mass, y / mass];
}
