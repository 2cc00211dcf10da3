// The marks on maps. They are seen on any color: bright lines with dark ones around them.

export const MARK = "#ff9a3c";
export const MARK_EDGE = "rgba(0,0,0,.75)";

/** Around the one value that is looked at. */
export function outlineCell(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.lineWidth = 4;
  context.strokeStyle = MARK_EDGE;
  context.strokeRect(x - 1, y - 1, width + 2, height + 2);
  context.lineWidth = 2;
  context.strokeStyle = MARK;
  context.strokeRect(x - 1, y - 1, width + 2, height + 2);
}

/** Around a part that the value sees. */
export function outlineRegion(context: CanvasRenderingContext2D, x: number, y: number, width: number, height: number): void {
  context.lineWidth = 2.5;
  context.strokeStyle = MARK_EDGE;
  context.strokeRect(x, y, width, height);
  context.lineWidth = 1.25;
  context.strokeStyle = MARK;
  context.strokeRect(x, y, width, height);
}
