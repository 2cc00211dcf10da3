// Small grids of numbers in colors: a patch, a kernel, their products.

import { colorOf, css, readableOn, type Palettes, type Scale } from "./color";
import { el, sized } from "./dom";
import { fixed } from "./numbers";
import { MARK, MARK_EDGE } from "./marks";

export interface NumberGrid {
  readonly rows: number;
  readonly columns: number;
  /** NaN beyond a border's end, where there is nothing. */
  readonly values: ArrayLike<number>;
  readonly scale: Scale;
  /** Which are in the border, by index. */
  readonly isBorder?: (index: number) => boolean;
  /** One that is marked. */
  readonly marked?: number;
}

/** Numbers are written in cells of at least this side. */
const WRITTEN = 30;

/** Draws a grid at a place, `side` pixels a value; numbers with so many decimals where they fit. */
export function drawGrid(
  context: CanvasRenderingContext2D, grid: NumberGrid, x: number, y: number, side: number, decimals: number, palettes: Palettes,
): void {
  context.textAlign = "center";
  context.textBaseline = "middle";
  const gap = side >= WRITTEN ? 1 : 0;
  for (let index = 0; index < grid.rows * grid.columns; index++) {
    const value = grid.values[index] ?? NaN;
    const [left, top] = [x + (index % grid.columns) * side, y + Math.floor(index / grid.columns) * side];
    if (Number.isNaN(value)) continue;
    const color = colorOf(value, grid.scale, palettes);
    context.fillStyle = css(color);
    context.fillRect(left, top, side - gap, side - gap);
    if (grid.isBorder?.(index)) hatch(context, left, top, side - gap, readableOn(color));
    if (side < WRITTEN) continue;
    context.fillStyle = readableOn(color);
    context.font = `${fontSize(fixed(value, decimals), side)}px system-ui, sans-serif`;
    context.fillText(fixed(value, decimals), left + (side - gap) / 2, top + side / 2 + 0.5);
  }
  if (grid.marked !== undefined && grid.marked >= 0) {
    const [left, top] = [x + (grid.marked % grid.columns) * side, y + Math.floor(grid.marked / grid.columns) * side];
    for (const [width, color] of [[4, MARK_EDGE], [2, MARK]] as const) {
      context.lineWidth = width;
      context.strokeStyle = color;
      context.strokeRect(left, top, side - gap, side - gap);
    }
  }
}

function fontSize(text: string, side: number): number {
  return Math.max(8, Math.min(12, (1.62 * side) / Math.max(4, text.length)));
}

/** What stands in the border around a picture is crossed out lightly. */
export function hatch(context: CanvasRenderingContext2D, x: number, y: number, side: number, color: string): void {
  context.strokeStyle = color;
  context.globalAlpha = 0.25;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, y + side);
  context.lineTo(x + side, y);
  context.stroke();
  context.globalAlpha = 1;
}

/** A grid as an element of its own, with what it is below it. */
export function gridFigure(title: string, grid: NumberGrid, side: number, decimals: number, palettes: Palettes): HTMLElement {
  const canvas = el("canvas", { role: "img", "aria-label": `${title}, ${grid.rows} by ${grid.columns} values` });
  const context = sized(canvas, grid.columns * side, grid.rows * side);
  drawGrid(context, grid, 0, 0, side, decimals, palettes);
  return el("figure", {}, canvas, el("figcaption", {}, title));
}
