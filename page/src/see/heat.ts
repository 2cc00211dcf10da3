// A picture's colors, and heat over them: how strongly each pixel is meant.

import { LEVELS, packed, unpacked, type Palette } from "./color";

/** A map of strengths over the picture, from 0 to `largest`. */
export interface Heat {
  readonly values: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly largest: number;
}

export function heatOf(values: Float32Array, height: number, width: number): Heat {
  let largest = 0;
  for (const value of values) if (Number.isFinite(value)) largest = Math.max(largest, value);
  return { values, width, height, largest };
}

/** The strength at a place of the picture, as shares of its sides: between values, bilinear, corners not aligned. */
export function strengthAt({ values, width, height, largest }: Heat, x: number, y: number): number {
  if (largest <= 0) return 0;
  const [column, row] = [clamp(x * width - 0.5, width), clamp(y * height - 0.5, height)];
  const [left, top] = [Math.floor(column), Math.floor(row)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const at = (r: number, c: number) => values[r * width + c] ?? 0;
  const across = (r: number) => at(r, left) + (at(r, right) - at(r, left)) * (column - left);
  const value = across(top) + (across(bottom) - across(top)) * (row - top);
  return Math.max(0, Math.min(1, value / largest)) || 0;
}

function clamp(value: number, size: number): number {
  return Math.max(0, Math.min(size - 1, value));
}

/** Mixes heat into the packed colors of a picture of `width`×`height`. */
export function mixHeat(colors: Uint32Array, width: number, height: number, heat: Heat, palette: Palette): void {
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const strength = strengthAt(heat, (column + 0.5) / width, (row + 0.5) / height);
      const index = row * width + column;
      const [r, g, b] = unpacked(colors[index] ?? 0);
      const [hotR, hotG, hotB] = unpacked(palette[Math.round(strength * (LEVELS - 1))] ?? 0);
      const gray = 0.299 * r + 0.587 * g + 0.114 * b;
      // Strong heat covers the picture; where there is none, the picture is seen in dim gray.
      const share = 0.25 + 0.65 * strength;
      const mixed = (hot: number) => Math.round(hot * share + gray * 0.7 * (1 - share));
      colors[index] = ((255 << 24) | (mixed(hotB) << 16) | (mixed(hotG) << 8) | mixed(hotR)) >>> 0;
    }
  }
}

/** The packed colors of a picture of `[channels, H, W]` bytes. */
export function pictureColors(bytes: Uint8Array, plane: number): Uint32Array {
  const channels = Math.round(bytes.length / plane);
  const at = (index: number, channel: number) => bytes[(channels === 3 ? channel * plane : 0) + index] ?? 0;
  return Uint32Array.from({ length: plane }, (_, index) => packed([at(index, 0), at(index, 1), at(index, 2)]));
}
