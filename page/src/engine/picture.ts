// From a picture's bytes to the network's input, by the formulas of `Preprocess` in Rust.

import type { Input } from "../format";

/** Bytes `[C, H, W]` as the network's input: (byte / 255 − mean) / std in single precision. */
export function normalize({ channels, mean, std }: Input, bytes: Uint8Array, into: Float32Array): void {
  const places = into.length / channels;
  for (let at = 0; at < into.length; at++) {
    const channel = Math.floor(at / places);
    const value = Math.fround(bytes[at]! / 255);
    const centered = Math.fround(value - Math.fround(mean[channel] ?? 0));
    into[at] = centered / Math.fround(std[channel] ?? 1);
  }
}

/**
 * The pixels of a canvas of the input's size, four bytes each, as bytes `[C, H, W]`. What is transparent lets the
 * drawing's paper through.
 */
export function bytesOfPixels(input: Input, rgba: ArrayLike<number>): Uint8Array {
  const { channels, height, width, drawing } = input;
  const places = height * width;
  const bytes = new Uint8Array(channels * places);
  for (let at = 0; at < places; at++) {
    const opaque = rgba[4 * at + 3]! / 255;
    const color = [0, 1, 2].map((c) => {
      const paper = drawing.paper[channels === 1 ? 0 : c] ?? 0;
      return Math.round(rgba[4 * at + c]! * opaque + paper * (1 - opaque));
    });
    for (let c = 0; c < channels; c++) bytes[c * places + at] = channels === 1 ? luma(color) : color[c]!;
  }
  return bytes;
}

/** Gray as Pillow has it: ITU-R 601 luma in 16-bit fixed point. */
function luma([r, g, b]: readonly number[]): number {
  return (19595 * r! + 38470 * g! + 7471 * b! + 0x8000) >> 16;
}
