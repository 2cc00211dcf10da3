// Strokes of the pen on the network's own pixels.

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** A line of the pen: points in shares of the pad's sides. */
export interface Stroke {
  readonly erase: boolean;
  /** Its bytes, one for each channel. */
  readonly color: readonly number[];
  /** Its width as a share of the pad's side. */
  readonly width: number;
  readonly points: readonly Place[];
}

/** Draws a stroke into `bytes`, `[channels, height, width]`; pixels at its edge get a part of its color. */
export function drawStroke(bytes: Uint8Array, height: number, width: number, stroke: Stroke): void {
  const plane = height * width;
  const cover = coverage(stroke, height, width);
  for (let index = 0; index < plane; index++) {
    const share = cover[index] ?? 0;
    if (share === 0) continue;
    stroke.color.forEach((ink, channel) => {
      const at = channel * plane + index;
      const under = bytes[at] ?? 0;
      bytes[at] = Math.round(under + (ink - under) * share);
    });
  }
}

/** How much of each pixel a stroke covers, 0 to 1. */
export function coverage(stroke: Stroke, height: number, width: number): Float32Array {
  const cover = new Float32Array(height * width);
  const radius = (stroke.width * Math.max(height, width)) / 2;
  const points = stroke.points.map(({ x, y }) => ({ x: x * width, y: y * height }));
  points.forEach((to, index) => {
    const from = points[index - 1] ?? to;
    if (index === 0 && points.length > 1) return;
    const reach = radius + 1;
    const [top, bottom] = bounds(from.y, to.y, reach, height);
    const [left, right] = bounds(from.x, to.x, reach, width);
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const away = distance({ x: column + 0.5, y: row + 0.5 }, from, to);
        const share = Math.max(0, Math.min(1, radius - away + 0.5));
        const at = row * width + column;
        if (share > (cover[at] ?? 0)) cover[at] = share;
      }
    }
  });
  return cover;
}

function bounds(a: number, b: number, reach: number, size: number): readonly [number, number] {
  return [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(size, Math.ceil(Math.max(a, b) + reach))];
}

/** From a point to the line between two others. */
function distance(point: Place, from: Place, to: Place): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
  const share = Math.max(0, Math.min(1, along));
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}
