// From numbers to colors, with the conventions of the crate's figures: magnitudes on viridis, signed values blue
// and red around 0, heat on inferno. In the dark, 0 of signed values is dark like the paper.

export type Rgb = readonly [number, number, number];

/** How many colors a map has. Odd, so that 0 has the middle of a signed map to itself. */
export const LEVELS = 255;

const VIRIDIS = "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725";
const INFERNO = "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4";
const SIGNED_LIGHT = "053061 175290 2a71b2 3f8ec0 6bacd1 9bc9e0 c2ddec e0ecf3 f7f6f6 fbe5d8 fbccb4 f5aa89 e48066 d05548 ba2832 930e26 67001f";
const SIGNED_DARK = "b5dcff 93c8fb 70b1f2 5199e4 3b80cc 2f67a8 28507f 243b56 22262b 4a2c2e 74342f 9c4034 c2513d df6a4d f28a68 fba98a ffc9b0";

/** What is not a number is shown in a color that no map has. */
const NOT_A_NUMBER: Rgb = [255, 0, 255];

/** All colors of a map, packed as `ImageData` has them: alpha, blue, green, red from the highest byte. */
export type Palette = Uint32Array;

export interface Palettes {
  readonly magnitude: Palette;
  readonly signed: Palette;
  readonly heat: Palette;
}

export function palettes(dark: boolean): Palettes {
  return {
    magnitude: palette(VIRIDIS),
    signed: palette(dark ? SIGNED_DARK : SIGNED_LIGHT),
    heat: palette(INFERNO),
  };
}

function palette(anchors: string): Palette {
  const colors = anchors.split(" ").map(parseHex);
  return Uint32Array.from({ length: LEVELS }, (_, level) => packed(mix(colors, level / (LEVELS - 1))));
}

function parseHex(hex: string): Rgb {
  const value = parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function mix(colors: readonly Rgb[], t: number): Rgb {
  const at = t * (colors.length - 1);
  const index = Math.min(Math.floor(at), colors.length - 2);
  const [a, b] = [colors[index] ?? NOT_A_NUMBER, colors[index + 1] ?? NOT_A_NUMBER];
  const between = (c: 0 | 1 | 2) => Math.round(a[c] + (b[c] - a[c]) * (at - index));
  return [between(0), between(1), between(2)];
}

export function packed([r, g, b]: Rgb): number {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

export function unpacked(color: number): Rgb {
  return [color & 255, (color >> 8) & 255, (color >> 16) & 255];
}

export function css(color: number): string {
  return `rgb(${unpacked(color).join(",")})`;
}

/** Black or white, whichever is easier to read on `color`. */
export function readableOn(color: number): string {
  const [r, g, b] = unpacked(color).map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/** A range of values and whether they have a sign: from 0 to `reach`, or from −`reach` to `reach`. */
export interface Scale {
  readonly signed: boolean;
  readonly reach: number;
}

/**
 * The scale for a layer's values. It ends at the 99.5th percentile of the magnitudes where single extremes would
 * leave everything else without contrast.
 */
export function scaleOf(values: ArrayLike<number>): Scale {
  const magnitudes: number[] = [];
  let signed = false;
  // A sample is enough for a percentile.
  const step = Math.max(1, Math.floor(values.length / 4096));
  let farthest = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) continue;
    if (value < 0) signed = true;
    farthest = Math.max(farthest, Math.abs(value));
    if (i % step === 0) magnitudes.push(Math.abs(value));
  }
  magnitudes.sort((a, b) => a - b);
  const usual = magnitudes[Math.min(Math.floor(magnitudes.length * 0.995), magnitudes.length - 1)] ?? 0;
  return { signed, reach: usual > 0 && farthest > 1.3 * usual ? usual : farthest };
}

/** The scale that holds what both hold. */
export function wider(a: Scale, b: Scale): Scale {
  return { signed: a.signed || b.signed, reach: Math.max(a.reach, b.reach) };
}

/** The packed color of one value. */
export function colorOf(value: number, scale: Scale, from: Palettes): number {
  const map = scale.signed ? from.signed : from.magnitude;
  return map[levelOf(value, scale)] ?? packed(NOT_A_NUMBER);
}

/** Which of a map's colors a value has; −1 if it is not a number. */
export function levelOf(value: number, { signed, reach }: Scale): number {
  if (Number.isNaN(value)) return -1;
  const share = reach > 0 ? Math.max(-1, Math.min(1, value / reach)) : 0;
  const t = signed ? (share + 1) / 2 : Math.max(0, share);
  return Math.round(t * (LEVELS - 1));
}

/** Colors `values` into `pixels`; see `colorOf`. */
export function paint(values: Float32Array, scale: Scale, from: Palettes, pixels: Uint32Array): void {
  const map = scale.signed ? from.signed : from.magnitude;
  const last = LEVELS - 1;
  const factor = scale.reach > 0 ? (scale.signed ? last / 2 : last) / scale.reach : 0;
  const offset = (scale.signed ? last / 2 : 0) + 0.5;
  for (let i = 0; i < values.length; i++) {
    const level = (values[i] as number) * factor + offset;
    // The comparison is false for what is not a number.
    const index = level >= 0 ? (level < last ? level | 0 : last) : level < 0 ? 0 : -1;
    pixels[i] = map[index] ?? packed(NOT_A_NUMBER);
  }
}
