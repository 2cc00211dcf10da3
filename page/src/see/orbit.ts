// Turning, zooming and moving the view in depth: mouse, fingers, wheel and keys.

import type { Point, View } from "./camera";

type Angles = Pick<View, "yaw" | "pitch">;

const ZOOM = { least: 0.4, most: 12 };
/** How steeply one may look from above or below. */
const STEEPEST = 1.35;

export class Orbit {
  view: View = { yaw: 0.9, pitch: 0.2, zoom: 1, panX: 0, panY: 0 };
  /** Whether the last press became a turn, so that it was no click. */
  hasTurned = false;
  private start: Angles = { yaw: 0.9, pitch: 0.2 };
  private isUntouched = true;
  private readonly pointers = new Map<number, Point>();
  private moved = 0;

  constructor(private readonly canvas: HTMLCanvasElement, private readonly changed: () => void) {
    canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    canvas.addEventListener("pointermove", (event) => this.dragged(event));
    for (const name of ["pointerup", "pointercancel"] as const) {
      canvas.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    }
    canvas.addEventListener("wheel", (event) => this.rolled(event), { passive: false });
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.typed(event));
  }

  get isTurning(): boolean {
    return this.pointers.size > 0 && this.hasTurned;
  }

  /** The angles to begin with, which hold until somebody turns. */
  home(angles: Angles): void {
    this.start = angles;
    if (this.isUntouched) this.view = { ...this.view, ...angles };
  }

  private reset(): void {
    this.isUntouched = true;
    this.set({ ...this.start, zoom: 1, panX: 0, panY: 0 });
    this.isUntouched = true;
  }

  private set(change: Partial<View>): void {
    this.isUntouched = false;
    const view = { ...this.view, ...change };
    this.view = {
      ...view,
      pitch: Math.max(-STEEPEST, Math.min(STEEPEST, view.pitch)),
      zoom: Math.max(ZOOM.least, Math.min(ZOOM.most, view.zoom)),
    };
    this.changed();
  }

  private pressed(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 1) [this.hasTurned, this.moved] = [false, 0];
  }

  private dragged(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (this.moved > 4) this.hasTurned = true;
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, now);
    if (!this.hasTurned) return;
    if (other) this.pinched(before, now, other);
    else if (event.shiftKey || (event.buttons & 6) !== 0) this.set({ panX: this.view.panX + dx, panY: this.view.panY + dy });
    else this.set({ yaw: this.view.yaw - dx * 0.006, pitch: this.view.pitch + dy * 0.006 });
  }

  private pinched(before: Point, now: Point, other: Point): void {
    const apart = (a: Point) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const box = this.canvas.getBoundingClientRect();
    const middle = { x: (now.x + other.x) / 2 - box.left, y: (now.y + other.y) / 2 - box.top };
    this.zoomAt(middle, apart(now) / apart(before));
    this.set({ panX: this.view.panX + (now.x - before.x) / 2, panY: this.view.panY + (now.y - before.y) / 2 });
  }

  /** Zooms so that what is at `place` stays there. */
  private zoomAt(place: Point, factor: number): void {
    const zoom = Math.max(ZOOM.least, Math.min(ZOOM.most, this.view.zoom * factor));
    const share = zoom / this.view.zoom;
    const middle = { x: this.canvas.clientWidth / 2, y: this.canvas.clientHeight / 2 };
    const moved = (pan: number, at: number, center: number) => (pan - (at - center)) * share + (at - center);
    this.set({
      zoom,
      panX: moved(this.view.panX, place.x, middle.x),
      panY: moved(this.view.panY, place.y, middle.y),
    });
  }

  /** Without a key the wheel scrolls the page, unless the view has the focus. */
  private rolled(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.canvas) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    this.zoomAt({ x: event.offsetX, y: event.offsetY }, Math.exp(-event.deltaY * lines * 0.0015));
  }

  private typed(event: KeyboardEvent): void {
    const { yaw, pitch, zoom } = this.view;
    // Without shift, arrows go from value to value.
    const turns: Record<string, Partial<View>> = event.shiftKey ? {
      ArrowLeft: { yaw: yaw + 0.08 }, ArrowRight: { yaw: yaw - 0.08 },
      ArrowUp: { pitch: pitch - 0.08 }, ArrowDown: { pitch: pitch + 0.08 },
    } : {};
    const zooms: Record<string, Partial<View>> = {
      "+": { zoom: zoom * 1.15 }, "=": { zoom: zoom * 1.15 }, "-": { zoom: zoom / 1.15 },
    };
    const change = turns[event.key] ?? zooms[event.key];
    if (event.ctrlKey || event.metaKey || (!change && event.key !== "0")) return;
    event.preventDefault();
    if (change) this.set(change);
    else this.reset();
  }
}
