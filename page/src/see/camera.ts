// The camera of the view in depth. Layers are upright sheets that stand one behind another along an axis; a point is
// its place on that axis, and (u, v) on its sheet, to the right and down. Yaw turns the axis from straight ahead to
// the right, pitch tilts it.

export interface View {
  readonly yaw: number;
  readonly pitch: number;
  /** 1 fills the canvas. */
  readonly zoom: number;
  /** In pixels, from the middle. */
  readonly panX: number;
  readonly panY: number;
}

/** A sheet: its place on the axis, and its sides. It is centered on the axis. */
export interface Sheet {
  readonly at: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How far the eye is from the middle of the scene, in radii of the scene. */
const DISTANCE = 4.5;

export class Camera {
  private readonly yawSin: number;
  private readonly yawCos: number;
  private readonly pitchSin: number;
  private readonly pitchCos: number;
  private readonly eye: number;
  private scale = 1;
  private left = 0;
  private top = 0;

  /** Shows all `sheets` in `width`×`height` pixels, then zooms and moves as `view` says. */
  constructor(view: View, sheets: readonly Sheet[], width: number, height: number, margin: Margin) {
    [this.yawSin, this.yawCos] = [Math.sin(view.yaw), Math.cos(view.yaw)];
    [this.pitchSin, this.pitchCos] = [Math.sin(view.pitch), Math.cos(view.pitch)];
    const radius = Math.max(1e-6, ...sheets.map((sheet) => Math.hypot(sheet.at, sheet.width / 2, sheet.height / 2)));
    this.eye = DISTANCE * radius;
    const corners = sheets.flatMap((sheet) => this.outline(sheet));
    const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const [wide, high] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
    const fit = Math.min(wide / Math.max(right - left, 1e-6), high / Math.max(bottom - top, 1e-6));
    const scale = Math.max(1e-6, fit) * view.zoom;
    const [middleX, middleY] = [margin.left + wide / 2, margin.top + high / 2];
    this.left = middleX + view.panX - ((left + right) / 2) * scale;
    this.top = middleY + view.panY - ((top + bottom) / 2) * scale;
    this.scale = scale;
  }

  /** Where a point of a sheet is on the canvas. */
  project(at: number, u: number, v: number): Point {
    const x = u * this.yawCos + at * this.yawSin;
    const ahead = at * this.yawCos - u * this.yawSin;
    const y = v * this.pitchCos - ahead * this.pitchSin;
    const depth = v * this.pitchSin + ahead * this.pitchCos;
    const shrink = (this.scale * this.eye) / (this.eye + depth);
    return { x: this.left + x * shrink, y: this.top + y * shrink };
  }

  /** The point of the sheet at `at` that is seen at a place of the canvas; null where the sheet is seen edge-on. */
  unproject(at: number, place: Point): { u: number; v: number } | null {
    // Both lines of `project`, times the depth, are linear in u and v.
    const x = (place.x - this.left) / (this.scale * this.eye);
    const y = (place.y - this.top) / (this.scale * this.eye);
    const { yawSin, yawCos, pitchSin, pitchCos, eye } = this;
    const depth = eye + at * yawCos * pitchCos;
    const [a, b, e] = [yawCos + x * yawSin * pitchCos, -x * pitchSin, x * depth - at * yawSin];
    const [c, d, f] = [yawSin * pitchSin + y * yawSin * pitchCos, pitchCos - y * pitchSin, y * depth + at * yawCos * pitchSin];
    const determinant = a * d - b * c;
    if (Math.abs(determinant) < 1e-6) return null;
    return { u: (e * d - b * f) / determinant, v: (a * f - e * c) / determinant };
  }

  /** The corners of a sheet, around it. */
  outline({ at, width, height }: Sheet): Point[] {
    const [u, v] = [width / 2, height / 2];
    return [[-u, -v], [u, -v], [u, v], [-u, v]].map(([u = 0, v = 0]) => this.project(at, u, v));
  }

  /** Whether sheets farther along the axis are farther from the eye. */
  get looksAhead(): boolean {
    return this.yawCos * this.pitchCos >= 0;
  }
}

export interface Margin {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}
