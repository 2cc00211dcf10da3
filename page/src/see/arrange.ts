// Where layers stand in the view in depth: how large each sheet is, and how far apart they are.

import type { Sheet } from "./camera";
import type { MapsShape } from "./rows";
import type { Grid } from "./tiles";

/** A layer's sheet and the grid of maps on it, in the sheet's own units. */
export interface Plate extends Sheet, Grid {
  /** The sides of one map, and the room between two. */
  readonly mapWidth: number;
  readonly mapHeight: number;
  readonly gap: number;
}

/** So much the answer stands apart from the layers before it. */
const APART = 0.35;

/** So many layers have room for square sheets. More of them get slender ones, so that no sheet hides the next. */
const FEW = 12;
const SLENDER = 0.27;
/** How large the picture is then, which stands apart. */
const PICTURE = 0.7;

/** How the numbers of the last layer stand, beside the names of the classes, and slender sheets. */
export type Line = "column" | "row";

/** How long the axis must be so that no sheet hides the next one, as far as there is room. */
export function leastLength(layers: number): number {
  return layers > FEW ? 3 : Math.min(0.42 * layers, 2.2 + 0.11 * layers);
}

/** `length` is how long the axis is, where a sheet of the input is 1 high. */
export function arrange(shapes: readonly MapsShape[], length: number, line: Line): Plate[] {
  const largest = Math.max(...shapes.map(([, height, width]) => Math.max(height, width)), 1);
  const last = shapes.length - 1;
  const isLong = shapes.length > FEW;
  const before = isLong ? APART / 2 : 0;
  const spacing = last > 0 ? (length - before - APART) / last : 0;
  return shapes.map((shape, index) => {
    const at = index * spacing - length / 2 + (index > 0 ? before : 0) + (index === last ? APART : 0);
    const extent = extentOf(shape, largest);
    const isSlender = isLong && index > 0;
    const [along, across] = isSlender ? [extent, SLENDER * extent] : isLong ? [PICTURE, PICTURE] : [extent, extent];
    return plate(shape, at, line === "column" ? [across, along] : [along, across], index === last ? line : null);
  });
}

/** How high or wide a sheet is at most: deeper layers, whose maps are smaller, get less room. */
function extentOf([count, height, width]: MapsShape, largest: number): number {
  const side = Math.max(height, width);
  if (side === 1) return count > 1 ? 0.72 : 0.1;
  return 0.72 + 0.28 * Math.sqrt(side / largest);
}

/** `room` is how wide and high the sheet may be; a numeric answer beside its classes' names is as long as the input. */
function plate(shape: MapsShape, at: number, room: readonly [number, number], line: Line | null): Plate {
  const [count, height, width] = shape;
  const isLine = line !== null && height * width === 1 && count <= 20;
  const columns = isLine ? (line === "column" ? 1 : count) : columnsFor(count, (height * room[0]) / (width * room[1]));
  const rows = Math.ceil(count / columns);
  const share = count === 1 ? 0 : height * width === 1 ? 0.16 : 0.1;
  // In units of a map's longer side.
  const longer = Math.max(height, width);
  const [w, h] = [width / longer, height / longer];
  const [wide, high] = [columns * (w + share) - share, rows * (h + share) - share];
  const unit = isLine ? 1 / Math.max(wide, high) : Math.min(room[0] / wide, room[1] / high);
  return {
    at, shape, columns, rows,
    width: wide * unit, height: high * unit, mapWidth: w * unit, mapHeight: h * unit, gap: share * unit,
  };
}

/** How many maps of a proportion stand side by side: nearly a square, without gaps at the end if that can be. */
function columnsFor(count: number, proportion: number): number {
  const square = Math.sqrt(count * proportion);
  for (let columns = Math.floor(square + 1e-9); columns >= square / 1.45; columns--) {
    if (columns > 0 && count % columns === 0) return columns;
  }
  return Math.max(1, Math.ceil(square - 1e-9));
}

/** The upper left corner of a map on its sheet. */
export function mapCorner(plate: Plate, map: number): readonly [number, number] {
  const column = map % plate.columns;
  const row = Math.floor(map / plate.columns);
  return [
    -plate.width / 2 + column * (plate.mapWidth + plate.gap),
    -plate.height / 2 + row * (plate.mapHeight + plate.gap),
  ];
}

/** The map and the place in it at (u, v) of a sheet; between two maps, the end of the one before. */
export function placeOn(plate: Plate, u: number, v: number): { map: number; row: number; column: number } | null {
  const [count, height, width] = plate.shape;
  const [x, y] = [u + plate.width / 2, v + plate.height / 2];
  if (x < 0 || y < 0 || x > plate.width || y > plate.height) return null;
  const [wide, high] = [plate.mapWidth + plate.gap, plate.mapHeight + plate.gap];
  const [tileColumn, tileRow] = [Math.min(plate.columns - 1, Math.floor(x / wide)), Math.min(plate.rows - 1, Math.floor(y / high))];
  const map = tileRow * plate.columns + tileColumn;
  const column = Math.min(width - 1, Math.floor(((x - tileColumn * wide) / plate.mapWidth) * width));
  const row = Math.min(height - 1, Math.floor(((y - tileRow * high) / plate.mapHeight) * height));
  return map < count ? { map, row, column } : null;
}
