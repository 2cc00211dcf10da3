// A layer's maps as one picture, a pixel a value, from which the views enlarge what they show.

import { paint, type Palettes, type Scale } from "./color";
import { mapsShape, type MapsShape } from "./rows";

export class LayerImage {
  readonly canvas = document.createElement("canvas");
  readonly shape: MapsShape;
  private readonly columns: number;
  private readonly context: CanvasRenderingContext2D;
  private readonly data: ImageData;
  private readonly pixels: Uint32Array;
  private readonly colors: Uint32Array;
  /** What was painted last: a run's number and how. */
  private painted = "";

  constructor(shape: readonly number[], maps = mapsShape(shape)) {
    this.shape = maps;
    const [count, height, width] = maps;
    this.columns = Math.max(1, Math.ceil(Math.sqrt((count * height) / width)));
    this.canvas.width = Math.max(1, this.columns * width);
    this.canvas.height = Math.max(1, Math.ceil(count / this.columns) * height);
    this.context = this.canvas.getContext("2d") as CanvasRenderingContext2D;
    this.data = this.context.createImageData(this.canvas.width, this.canvas.height);
    this.pixels = new Uint32Array(this.data.data.buffer);
    this.colors = new Uint32Array(count * height * width);
  }

  /** Colors `values()`, unless that was done for this `key`. */
  update(key: string, values: () => Float32Array, scale: Scale, palettes: Palettes): void {
    if (this.painted === key) return;
    this.painted = key;
    paint(values(), scale, palettes, this.colors);
    this.show();
  }

  /** Takes colors that are made elsewhere. */
  fill(colors: Uint32Array): void {
    this.painted = "";
    this.colors.set(colors);
    this.show();
  }

  /** Where a map begins in the picture. */
  origin(map: number): readonly [number, number] {
    const [, height, width] = this.shape;
    return [(map % this.columns) * width, Math.floor(map / this.columns) * height];
  }

  private show(): void {
    const [count, height, width] = this.shape;
    for (let map = 0; map < count; map++) {
      const [x, y] = this.origin(map);
      for (let row = 0; row < height; row++) {
        const from = (map * height + row) * width;
        this.pixels.set(this.colors.subarray(from, from + width), (y + row) * this.canvas.width + x);
      }
    }
    this.context.putImageData(this.data, 0, 0);
  }
}
