// What all views show: the network's answer to the picture as it is now, how it is looked at, and the unit in focus.

import { camAt, normalize, probabilities, receptive, salient, type Engine, type Region } from "../engine/index";
import type { Model } from "../format";
import { palettes, scaleOf, wider, type Palettes, type Scale } from "./color";
import { heatOf, mixHeat, pictureColors, type Heat } from "./heat";
import { LayerImage } from "./image";
import { mapsShape, rowsOf, type Row } from "./rows";

/** What of a layer is colored: its values, or by how much they changed since the last stroke. */
export type Look = "values" | "changes";

/** What is laid over the picture. For Grad-CAM, `node` is where it looks. */
export type Explain = { readonly kind: "none" | "saliency" } | { readonly kind: "grad-cam"; readonly node: number };

/** A unit that is looked at, and what it sees of each node. */
export interface Focus {
  readonly node: number;
  readonly unit: number;
  readonly regions: readonly (Region | null)[];
}

/** What changed: the numbers, the unit in focus, or how things are shown. */
export type Change = "values" | "focus" | "look";

/** How long the network computes before strokes and drawing have their turn, in ms. */
const SLICE = 12;
/** How long examples are tried to find each layer's color scale, in ms. */
const CALIBRATION = 250;

export class Scene {
  readonly rows: readonly Row[];
  palettes: Palettes = palettes(false);
  look: Look = "values";
  explain: Explain = { kind: "none" };
  /** The class that is explained; null for the first guess. */
  explained: number | null = null;
  bytes: Uint8Array;
  /** Of the classes, for the picture as it is. */
  shares: Float32Array = new Float32Array();
  heat: Heat | null = null;
  focus: Focus | null = null;
  /** Whether the focus stays when the pointer moves on. */
  kept = false;
  /** How long the last answer took to compute, in ms. */
  took = 0;
  /** How many answers there were. */
  runs = 0;

  private readonly input: Float32Array;
  private readonly images = new Map<number, LayerImage>();
  private readonly scales: (Scale | undefined)[] = [];
  private isCalibrated = false;
  private before: Float32Array[] | null = null;
  /** Whether to mark as soon as values are whole. */
  private isMarking = false;
  private readonly listeners: ((change: Change) => void)[] = [];
  private next: Uint8Array | null = null;
  private work: Generator<number, void> | null = null;
  private computing: Uint8Array | null = null;
  /** Whether an answer waits for being drawn. */
  private isShowing = false;
  private spent = 0;
  private looks = 0;
  private readonly later: (task: () => void) => void;

  constructor(readonly model: Model, readonly engine: Engine) {
    this.rows = rowsOf(model);
    const { channels, height, width } = model.input;
    this.bytes = new Uint8Array(channels * height * width);
    this.input = new Float32Array(this.bytes.length);
    this.later = soon();
  }

  onChange(listener: (change: Change) => void): void {
    this.listeners.push(listener);
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  /** Finds the colors' scales from pictures. Without any they grow with what is drawn. */
  calibrate(pictures: readonly Uint8Array[]): void {
    const until = performance.now() + CALIBRATION;
    for (const bytes of pictures) {
      normalize(this.model.input, bytes, this.input);
      this.engine.run(this.input);
      this.widenScales();
      this.isCalibrated = true;
      if (performance.now() > until) break;
    }
  }

  private widenScales(): void {
    this.model.nodes.forEach((_, node) => {
      const [own, known] = [scaleOf(this.values(node)), this.scales[node]];
      this.scales[node] = known ? wider(known, own) : own;
    });
  }

  values(node: number): Float32Array {
    return this.engine.values[node] ?? new Float32Array();
  }

  /** Gives the network another picture; what is computed is shown as soon as it is there. */
  show(bytes: Uint8Array): void {
    this.next = bytes;
    if (!this.work && !this.isShowing) this.start();
  }

  /** Computes again what is laid over the picture, for the picture as it is. */
  private restart(): void {
    this.show(this.next ?? this.computing ?? this.bytes);
  }

  private start(): void {
    const bytes = this.next;
    if (!bytes) return;
    [this.next, this.computing, this.spent] = [null, bytes, 0];
    this.work = this.compute(bytes);
    this.later(() => this.slice());
  }

  private *compute(bytes: Uint8Array): Generator<number, void> {
    normalize(this.model.input, bytes, this.input);
    yield* this.engine.steps(this.input);
    const shares = probabilities(this.engine);
    const target = this.explained ?? largest(shares);
    const { height, width } = this.model.input;
    const explain = this.explain;
    let heat: Heat | null = null;
    if (explain.kind === "saliency") {
      yield* this.engine.stepsBack(this.model.output.node, target);
      heat = heatOf(salient(this.engine), height, width);
    }
    if (explain.kind === "grad-cam") {
      const [, high, wide] = mapsShape(this.model.nodes[explain.node]?.shape ?? []);
      yield* this.engine.stepsBack(this.model.output.node, target, explain.node);
      heat = heatOf(camAt(this.engine, explain.node), high, wide);
    }
    [this.bytes, this.shares, this.heat] = [bytes, shares, heat];
  }

  private slice(): void {
    const began = performance.now();
    while (this.work) {
      const { done } = this.work.next();
      const now = performance.now();
      if (done === true) {
        this.spent += now - began;
        this.finish();
        return;
      }
      if (now - began > SLICE) {
        this.spent += now - began;
        this.later(() => this.slice());
        return;
      }
    }
  }

  private finish(): void {
    [this.work, this.computing, this.took] = [null, null, this.spent];
    this.runs += 1;
    if (this.isMarking) this.mark();
    if (!this.isCalibrated) this.widenScales();
    this.paintInput();
    this.tell("values");
    // Views draw in the next frame; until then values stay as they are.
    this.isShowing = true;
    requestAnimationFrame(() => {
      this.isShowing = false;
      this.start();
    });
  }

  /** Whether `values` are being computed, so that they don't belong together. */
  get isBusy(): boolean {
    return this.work !== null;
  }

  /** Whether the last picture's answer is drawn, and no other picture waits. */
  get isSettled(): boolean {
    return !this.isBusy && !this.isShowing && this.next === null;
  }

  /** From now on changes are those since now. */
  mark(): void {
    // What is being computed belongs to the time before.
    this.isMarking = this.isBusy;
    if (this.isBusy || this.runs === 0) return;
    this.before = this.model.nodes.map((_, node) => this.values(node).slice());
  }

  /** Whether there was something before, that changes can be told from. */
  get canCompare(): boolean {
    return this.before !== null;
  }

  /** A node's maps in their colors. */
  image(node: number): LayerImage {
    let image = this.images.get(node);
    if (!image) {
      const shape = this.model.nodes[node]?.shape ?? [];
      // The picture itself has its own colors.
      image = node === 0 ? new LayerImage(shape, [1, this.model.input.height, this.model.input.width]) : new LayerImage(shape);
      this.images.set(node, image);
    }
    if (node === 0) return image;
    if (!this.isBusy) {
      const key = `${this.runs} ${this.looks}`;
      image.update(key, () => this.shown(node), this.scale(node), this.palettes);
    }
    return image;
  }

  /** The numbers of a node that are colored. */
  private shown(node: number): Float32Array {
    const values = this.values(node);
    if (this.look === "values") return values;
    const before = this.before?.[node];
    return before ? values.map((value, unit) => value - (before[unit] ?? 0)) : new Float32Array(values.length);
  }

  /** The scale of a node's colors. Changes have that of the values, so that they can be compared with them. */
  scale(node: number): Scale {
    const scale = this.valueScale(node);
    return this.look === "values" ? scale : { signed: true, reach: scale.reach };
  }

  /** The scale of a node's values, also where changes are looked at. */
  valueScale(node: number): Scale {
    return this.scales[node] ?? { signed: false, reach: 1 };
  }

  /** By how much a unit changed since the last stroke; null if there is nothing to compare with. */
  changeOf(node: number, unit: number): number | null {
    const before = this.before?.[node]?.[unit];
    return before === undefined ? null : (this.values(node)[unit] ?? 0) - before;
  }

  private paintInput(): void {
    const { height, width } = this.model.input;
    const colors = pictureColors(this.bytes, height * width);
    if (this.heat) mixHeat(colors, width, height, this.heat, this.palettes.heat);
    this.image(0).fill(colors);
  }

  setLook(look: Look): void {
    this.look = look;
    this.redraw();
  }

  setExplain(explain: Explain, explained = this.explained): void {
    [this.explain, this.explained] = [explain, explained];
    this.restart();
  }

  setDark(dark: boolean): void {
    this.palettes = palettes(dark);
    this.redraw();
  }

  private redraw(): void {
    this.looks += 1;
    this.tell("look");
  }

  /** Looks at a unit, unless another is kept; `keep` keeps it. */
  lookAt(node: number, unit: number, keep = false): void {
    if (this.kept && !keep) return;
    const same = this.focus?.node === node && this.focus.unit === unit;
    if (same && this.kept === keep) return;
    const regions = same && this.focus ? this.focus.regions : receptive(this.engine, node, unit);
    this.focus = { node, unit, regions };
    this.kept = keep;
    this.tell("focus");
  }

  /** Looks at nothing in particular. */
  release(evenKept = false): void {
    if (!this.focus || (this.kept && !evenKept)) return;
    [this.focus, this.kept] = [null, false];
    this.tell("focus");
  }
}

export function largest(shares: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < shares.length; i++) if ((shares[i] ?? 0) > (shares[best] ?? 0)) best = i;
  return best;
}

/** Runs a task after what waits: sooner than a timer, and not before input is handled. */
function soon(): (task: () => void) => void {
  const tasks: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => tasks.shift()?.();
  return (task) => {
    tasks.push(task);
    port2.postMessage(null);
  };
}
