// The color bar of a layer.

import { css, type Palettes, type Scale } from "./color";
import { sized } from "./dom";
import { short } from "./numbers";

const [WIDTH, HEIGHT, BAR] = [150, 14, 64];

/** Draws the scale with the values at its ends, in the element's own color. */
export function drawScale(canvas: HTMLCanvasElement, scale: Scale, palettes: Palettes): void {
  const key = `${scale.signed} ${scale.reach} ${palettes.signed[0]} ${window.devicePixelRatio}`;
  if (canvas.dataset["drawn"] === key) return;
  canvas.dataset["drawn"] = key;
  const context = sized(canvas, WIDTH, HEIGHT);
  const map = scale.signed ? palettes.signed : palettes.magnitude;
  const left = (WIDTH - BAR) / 2;
  for (let x = 0; x < BAR; x++) {
    context.fillStyle = css(map[Math.round((x / (BAR - 1)) * (map.length - 1))] ?? 0);
    context.fillRect(left + x, 3, 1.5, HEIGHT - 6);
  }
  const style = getComputedStyle(canvas);
  context.fillStyle = style.color;
  context.font = `11px ${style.fontFamily}`;
  context.textBaseline = "middle";
  context.textAlign = "right";
  context.fillText(scale.signed ? short(-scale.reach) : "0", left - 4, HEIGHT / 2 + 0.5);
  context.textAlign = "left";
  context.fillText(short(scale.reach), left + BAR + 4, HEIGHT / 2 + 0.5);
}
