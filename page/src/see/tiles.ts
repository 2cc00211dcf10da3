// Where a layer's maps stand in a grid, and which value is under a point.

import type { MapsShape } from "./rows";

/** Maps that stand in rows. */
export interface Grid {
  readonly shape: MapsShape;
  readonly columns: number;
  readonly rows: number;
}

/** Maps in a grid: each enlarged by a whole factor, with gaps between them. In CSS pixels. */
export interface Tiles extends Grid {
  /** The side of one value. */
  readonly zoom: number;
  readonly gap: number;
  readonly width: number;
  readonly height: number;
}

/** A map and a place in it. */
export interface Cell {
  readonly map: number;
  readonly row: number;
  readonly column: number;
}

/** Lays maps out in `room` pixels: as large as `side` pixels a map allows, in as many rows as needed. */
export function layOut(shape: MapsShape, room: number, side: number): Tiles {
  const [count, height, width] = shape;
  const longest = Math.max(height, width, 1);
  const zoom = Math.max(1, Math.min(Math.floor(side / longest), Math.floor(room / Math.max(1, width))));
  const gap = longest === 1 ? 2 : longest * zoom > 40 ? 6 : 4;
  const columns = Math.max(1, Math.min(count, Math.floor((room + gap) / (width * zoom + gap))));
  const rows = Math.ceil(count / columns);
  return {
    shape, columns, rows, zoom, gap,
    width: columns * (width * zoom + gap) - gap,
    height: rows * (height * zoom + gap) - gap,
  };
}

/** The upper left corner of a map. */
export function corner(tiles: Tiles, map: number): readonly [number, number] {
  const [, height, width] = tiles.shape;
  const x = (map % tiles.columns) * (width * tiles.zoom + tiles.gap);
  const y = Math.floor(map / tiles.columns) * (height * tiles.zoom + tiles.gap);
  return [x, y];
}

/** What is under a point; nothing in gaps. */
export function cellAt(tiles: Tiles, x: number, y: number): Cell | null {
  const [count, height, width] = tiles.shape;
  const [wide, high] = [width * tiles.zoom + tiles.gap, height * tiles.zoom + tiles.gap];
  const [tileColumn, tileRow] = [Math.floor(x / wide), Math.floor(y / high)];
  if (tileColumn < 0 || tileColumn >= tiles.columns || tileRow < 0) return null;
  const map = tileRow * tiles.columns + tileColumn;
  const column = Math.floor((x - tileColumn * wide) / tiles.zoom);
  const row = Math.floor((y - tileRow * high) / tiles.zoom);
  return map < count && column < width && row < height ? { map, row, column } : null;
}

export function unitOf([, height, width]: MapsShape, cell: Cell): number {
  return (cell.map * height + cell.row) * width + cell.column;
}

export function cellOf([, height, width]: MapsShape, unit: number): Cell {
  return { map: Math.floor(unit / (height * width)), row: Math.floor(unit / width) % height, column: unit % width };
}

/**
 * The unit that an arrow key leads to. Within maps of more than one value it moves over the map, and past an edge to
 * the map beside it; among maps of one value from one to the next.
 */
export function stepped(grid: Grid, unit: number, across: number, down: number): number {
  const [count, height, width] = grid.shape;
  const cell = cellOf(grid.shape, unit);
  let { map } = cell;
  let [row, column] = [cell.row + down, cell.column + across];
  if (column < 0 || column >= width) {
    map += across;
    column = across > 0 ? 0 : width - 1;
  }
  if (row < 0 || row >= height) {
    map += down * grid.columns;
    row = down > 0 ? 0 : height - 1;
  }
  return map < 0 || map >= count ? unit : unitOf(grid.shape, { map, row, column });
}
