// Pieces of pictures on sheets in perspective, and the lines from a unit to what it sees.

import type { Region } from "../engine/index";
import { mapCorner, type Plate } from "./arrange";
import type { Camera, Point } from "./camera";
import { MARK, MARK_EDGE } from "./marks";

/** u, v, width, height on a sheet; or x, y, width, height of a picture. */
export type Patch = readonly [number, number, number, number];

/** How far a corner may be from where perspective has it, in pixels. */
const EXACT = 0.25;
/** So much of a column each strip covers of the next one, so that no seam is seen. */
const OVERLAP = 0.2;

/**
 * Draws a part of a picture on a part of a sheet. A canvas has no perspective: strips are drawn so narrow that a
 * parallelogram is as good.
 */
export function drawPatch(
  context: CanvasRenderingContext2D, camera: Camera, at: number, [u, v, width, height]: Patch, picture: HTMLCanvasElement, from: Patch, paper: string,
): void {
  const [x, y, columns, rows] = from;
  const corners = (left: number, right: number) =>
    [camera.project(at, left, v), camera.project(at, right, v), camera.project(at, left, v + height), camera.project(at, right, v + height)] as const;
  const [a, b, c, d] = corners(u, u + width);
  const bend = Math.hypot(a.x - b.x - c.x + d.x, a.y - b.y - c.y + d.y) / 4;
  const strips = Math.max(1, Math.min(columns, Math.ceil(bend / EXACT)));
  const base = context.getTransform();
  const side = width / columns;
  for (let strip = 0; strip < strips; strip++) {
    const first = Math.floor((strip * columns) / strips);
    const last = Math.min(columns, Math.floor(((strip + 1) * columns) / strips) + OVERLAP);
    const [p, q, r, s] = corners(u + first * side, u + last * side);
    const wide: Point = { x: (q.x - p.x + s.x - r.x) / 2, y: (q.y - p.y + s.y - r.y) / 2 };
    const high: Point = { x: (r.x - p.x + s.x - q.x) / 2, y: (r.y - p.y + s.y - q.y) / 2 };
    const middle: Point = { x: (p.x + q.x + r.x + s.x) / 4, y: (p.y + q.y + r.y + s.y) / 4 };
    context.transform(
      wide.x, wide.y, high.x, high.y, middle.x - (wide.x + high.x) / 2, middle.y - (wide.y + high.y) / 2,
    );
    context.drawImage(picture, x + first, y, last - first, rows, 0, 0, 1, 1);
    context.setTransform(base);
  }
  if (strips > 1) {
    // Strips end in steps of less than a pixel; a line of the paper's color makes the edge straight.
    tracePatch(context, camera, at, [u, v, width, height]);
    context.lineWidth = 1.5;
    context.strokeStyle = paper;
    context.stroke();
  }
}

/** Makes the outline of a part of a sheet the context's path. */
export function tracePatch(context: CanvasRenderingContext2D, camera: Camera, at: number, [u, v, width, height]: Patch): Point[] {
  const corners = [[u, v], [u + width, v], [u + width, v + height], [u, v + height]].map(([u = 0, v = 0]) => camera.project(at, u, v));
  context.beginPath();
  corners.forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.closePath();
  return corners;
}

interface Seen {
  readonly plate: Plate;
  readonly region: Region;
  readonly isPicture: boolean;
}

/** Outlines what a unit sees on an earlier sheet, if any, else the unit; `joined` draws lines from the unit to it. */
export function linesTo(
  context: CanvasRenderingContext2D, camera: Camera, unit: { readonly plate: Plate; readonly patch: Patch }, seen: Seen | null, joined: boolean,
): void {
  if (!seen) {
    tracePatch(context, camera, unit.plate.at, unit.patch);
    outline(context, 2.5);
    return;
  }
  const patches = patchesOf(seen);
  const own = tracePatch(context, camera, unit.plate.at, unit.patch);
  if (joined) {
    context.lineWidth = 1;
    context.strokeStyle = MARK;
    context.globalAlpha = Math.max(0.12, Math.min(0.7, 3 / patches.length));
    for (const patch of patches) {
      const corners = tracePatch(context, camera, seen.plate.at, patch);
      context.beginPath();
      corners.forEach(({ x, y }, index) => {
        const end = own[index];
        if (!end) return;
        context.moveTo(end.x, end.y);
        context.lineTo(x, y);
      });
      context.stroke();
    }
    context.globalAlpha = 1;
  }
  for (const patch of patches) {
    tracePatch(context, camera, seen.plate.at, patch);
    outline(context, 1.5);
  }
}

function outline(context: CanvasRenderingContext2D, width: number): void {
  context.lineWidth = width * 2;
  context.strokeStyle = MARK_EDGE;
  context.stroke();
  context.lineWidth = width;
  context.strokeStyle = MARK;
  context.stroke();
}

/** The parts of a sheet that a region is, one on each of its maps. */
function patchesOf({ plate, region, isPicture }: Seen): Patch[] {
  const [count, height, width] = plate.shape;
  const [maps = [0, count] as const, rows = [0, height] as const, columns = [0, width] as const] = region.length === 3 ? region : [region[0]];
  const [first, last] = isPicture ? [0, 1] : maps;
  const [wide, high] = [plate.mapWidth / width, plate.mapHeight / height];
  return Array.from({ length: Math.min(last, count) - first }, (_, index): Patch => {
    const [u, v] = mapCorner(plate, first + index);
    return [u + columns[0] * wide, v + rows[0] * high, (columns[1] - columns[0]) * wide, (rows[1] - rows[0]) * high];
  });
}
