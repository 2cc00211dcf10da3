// Pictures from elsewhere: opened, dropped or pasted.

import { bytesOfPixels } from "../engine/index";
import type { Input } from "../format";

/** Larger files are refused, so that no picture takes the browser's memory. */
const LARGEST = 50_000_000;

/** The input's bytes from a picture file; an `Error` says why there are none. */
export async function bytesOfFile(file: Blob, input: Input): Promise<Uint8Array> {
  if (file.size > LARGEST) throw new Error(`This file has ${Math.round(file.size / 1e6)} MB; pictures of up to 50 MB can be opened.`);
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new Error("This file can't be read as a picture. Browsers know PNG, JPEG, WebP and GIF.");
  }
  const bytes = bytesOfPixels(input, reduced(picture, input));
  picture.close();
  return likeInk(bytes, input);
}

/** The middle of a picture, as large as the input's shape allows, at the input's size. */
function reduced(picture: ImageBitmap, { height, width }: Input): Uint8ClampedArray {
  const scale = Math.min(picture.width / width, picture.height / height);
  const [wide, high] = [width * scale, height * scale];
  let [x, y, w, h] = [(picture.width - wide) / 2, (picture.height - high) / 2, wide, high];
  let from: CanvasImageSource = picture;
  // Halved as often as possible: browsers' own reduction skips pixels.
  while (w >= 2 * width && h >= 2 * height) {
    const [nextW, nextH] = [Math.max(width, Math.ceil(w / 2)), Math.max(height, Math.ceil(h / 2))];
    from = drawn(from, [x, y, w, h], nextW, nextH).canvas;
    [x, y, w, h] = [0, 0, nextW, nextH];
  }
  return drawn(from, [x, y, w, h], width, height).getImageData(0, 0, width, height).data;
}

function drawn(
  from: CanvasImageSource, [x, y, w, h]: readonly [number, number, number, number], width: number, height: number,
): CanvasRenderingContext2D {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.imageSmoothingQuality = "high";
  // What is transparent becomes white paper.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(from, x, y, w, h, 0, 0, width, height);
  return context;
}

/** Dark ink on light paper becomes the other way round for a network that knows light ink on dark paper. */
export function likeInk(bytes: Uint8Array, { channels, height, width, drawing }: Input): Uint8Array {
  const [paper = 0, ink = 255] = [drawing.paper[0], drawing.ink[0]];
  if (channels !== 1 || drawing.centering !== "mnist") return bytes;
  let [sum, count] = [0, 0];
  for (let index = 0; index < bytes.length; index++) {
    const [row, column] = [Math.floor(index / width), index % width];
    if (row > 0 && row < height - 1 && column > 0 && column < width - 1) continue;
    sum += bytes[index] ?? 0;
    count += 1;
  }
  const border = sum / Math.max(1, count);
  return Math.abs(border - ink) < Math.abs(border - paper) ? bytes.map((byte) => 255 - byte) : bytes;
}
