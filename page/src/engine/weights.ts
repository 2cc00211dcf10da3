// Numbers that come with the model, decoded.

import type { Weights } from "../format";
import { size } from "./shape";

/** The bytes that base64 stands for. */
export function decodeBytes(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The numbers of one tensor. Integers become numbers of single precision: integer · scale. */
export function decode(bytes: Uint8Array, { shape, offset, scales }: Weights): Float32Array {
  const values = new Float32Array(size(shape));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const float = (at: number, index: number) => view.getFloat32(at + 4 * index, true);
  const row = values.length / (shape[0] ?? 1);
  for (let i = 0; i < values.length; i++) {
    values[i] =
      scales === undefined
        ? float(offset, i)
        : view.getInt16(offset + 2 * i, true) * float(scales, Math.floor(i / row));
  }
  return values;
}
