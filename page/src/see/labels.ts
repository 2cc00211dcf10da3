// Texts on a canvas that leave each other room: one that would touch an earlier one isn't drawn.

import type { Point } from "./camera";

export class Labels {
  private readonly taken: { left: number; right: number; y: number }[] = [];

  constructor(private readonly context: CanvasRenderingContext2D, private readonly paper: string) {}

  /** Draws a text in the context's font, its middle line at `place`, with the paper's color around it. */
  add(text: string, { x, y }: Point, align: "left" | "center" | "right", color: string): void {
    const { context } = this;
    const width = context.measureText(text).width;
    const left = align === "left" ? x : align === "right" ? x - width : x - width / 2;
    const room = { left: left - 4, right: left + width + 4, y };
    if (this.taken.some((other) => room.right > other.left && room.left < other.right && Math.abs(room.y - other.y) < 13)) return;
    this.taken.push(room);
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.strokeStyle = this.paper;
    context.strokeText(text, left, y);
    context.fillStyle = color;
    context.fillText(text, left, y);
  }
}
