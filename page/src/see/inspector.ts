// The arithmetic of the unit in focus: the numbers that it reads, times their weights, and what becomes of the sum.

import type { Term } from "../engine/index";
import { chainOf, hasGrids, lineOf, numbersOf, type Step } from "./chain";
import type { Scale } from "./color";
import { coalesced, el, named } from "./dom";
import { gridFigure, type NumberGrid } from "./number_grid";
import { cellDecimals, decimalsFor, fixed, short } from "./numbers";
import { describe } from "./rows";
import type { Scene } from "./scene";
import { termMaps, type TermMap } from "./terms";
import { placeText } from "./words";

/** How many maps' grids stand in the list below the large ones. */
const LISTED = 64;
/** What is shown where no unit is. */
const NOTHING = "nothing";

export class Inspector {
  readonly element = el("section", { class: "inspector", "data-testid": "arithmetic", "aria-label": "Where a value comes from" });
  /** The map whose grids are large; null for the one that adds most. */
  private chosen: number | null = null;
  private shown = "";
  private readonly repaint = coalesced(() => this.paint());

  constructor(private readonly scene: Scene) {
    new ResizeObserver(() => this.repaint()).observe(this.element);
    scene.onChange(() => this.repaint());
  }

  private paint(): void {
    const { scene } = this;
    const { focus } = scene;
    // Half-computed values would not add up; the whole ones follow in a moment.
    if (scene.isBusy || this.element.clientWidth === 0) return;
    if (!focus) {
      if (this.shown === NOTHING) return;
      this.shown = NOTHING;
      this.element.replaceChildren(el("p", { class: "hint" },
        "Point at any value to see where it comes from: what it sees lights up in every layer before it, and its arithmetic stands here. Click to keep it, Escape to let go."));
      return;
    }
    // From now on there is room for it, so that nothing moves while the pointer does.
    this.element.classList.add("used");
    const place = `${focus.node} ${focus.unit}`;
    if (place !== this.shown) [this.shown, this.chosen] = [place, null];
    const row = scene.rows.find(({ steps }) => steps.includes(focus.node));
    const steps = chainOf(scene.engine, focus.node, focus.unit, row?.steps ?? []);
    const decimals = decimalsFor(numbersOf(steps));
    const value = scene.values(focus.node)[focus.unit] ?? NaN;
    const title = el("h3", {}, named(placeText(scene, focus.node, focus.unit)), " = ", el("output", { "data-testid": "value" }, fixed(value, decimals)));
    const children: Node[] = [el("header", {}, title, ...this.extras(focus.node, focus.unit)), this.ledger(steps, decimals)];
    const withGrids = steps.find(hasGrids);
    if (withGrids) children.push(el("div", { class: "parts" }, ...this.grids(withGrids)));
    this.element.replaceChildren(...children);
  }

  private extras(node: number, unit: number): Node[] {
    const change = this.scene.changeOf(node, unit);
    const extras: Node[] = [];
    if (change !== null && change !== 0) {
      extras.push(el("span", { class: "muted" }, `${change > 0 ? "+" : ""}${short(change)} since the last stroke`));
    }
    if (this.scene.kept) extras.push(el("span", { class: "kept" }, "kept · Escape or another click lets go"));
    return extras;
  }

  /** One line for each step: its name, what it calculates, the result. */
  private ledger(steps: readonly Step[], decimals: number): HTMLElement {
    const lines = steps.map((step) => {
      const node = this.scene.model.nodes[step.node];
      return el("tr", {},
        el("th", { scope: "row" }, named(node?.name ?? "")),
        el("td", { class: "muted" }, node ? describe(node) : ""),
        el("td", {}, this.calculation(step, decimals)),
        el("td", { class: "result" }, `= ${fixed(step.how.value, decimals)}`));
    });
    return el("table", { class: "ledger", "data-testid": "ledger" }, el("tbody", {}, ...lines));
  }

  private calculation(step: Step, decimals: number): string {
    const { model, bytes } = this.scene;
    if (step.node !== 0) return lineOf(model, step, decimals);
    const plane = model.input.height * model.input.width;
    const channel = Math.floor(step.unit / plane);
    const [mean, std, byte] = [model.input.mean[channel], model.input.std[channel], bytes[step.unit] ?? 0];
    return mean === undefined || std === undefined ? `${byte} / 255` : `(${byte} / 255 − ${mean}) / ${std}`;
  }

  private grids(step: Step): Node[] {
    return step.how.how === "sum" ? this.sumGrids(step, step.how.terms) : this.choiceGrid(step);
  }

  /** What a pooling chose from. */
  private choiceGrid({ node, how }: Step): Node[] {
    if (how.how !== "largest" && how.how !== "smallest") return [];
    const op = this.scene.model.nodes[node];
    const columns = op?.op === "max_pool" ? op.kernel[1] : Math.ceil(Math.sqrt(how.reads.length));
    const values = how.reads.map(({ value }) => value);
    const scale = this.scene.valueScale(how.reads[0]?.node ?? 0);
    const grid: NumberGrid = {
      rows: Math.ceil(values.length / columns), columns, values, scale, marked: how.chosen,
      isBorder: (index) => (how.reads[index]?.unit ?? 0) < 0,
    };
    return [el("div", { class: "grids" }, gridFigure("what it sees", grid, values.length <= 49 ? 40 : 12, cellDecimals(values), this.scene.palettes))];
  }

  private sumGrids({ node }: Step, terms: readonly Term[]): Node[] {
    const maps = termMaps(this.scene.model, node, terms);
    const strongest = maps.reduce((best, map, index) => (Math.abs(map.sum) > Math.abs(maps[best]?.sum ?? 0) ? index : best), 0);
    const index = this.chosen !== null && this.chosen < maps.length ? this.chosen : strongest;
    const map = maps[index];
    if (!map) return [];
    const scales = this.scales(terms);
    const nodes: Node[] = [this.largeGrids(map, scales)];
    if (maps.length > 1) nodes.push(this.list(maps, index, scales));
    return nodes;
  }

  private scales(terms: readonly Term[]): Scales {
    const values = this.scene.valueScale(terms[0]?.node ?? 0);
    const signed = (numbers: number[]): Scale => ({ signed: true, reach: Math.max(0, ...numbers.map(Math.abs).filter(Number.isFinite)) });
    return { values, factors: signed(terms.map(({ factor }) => factor)), products: signed(terms.map(({ product }) => product)) };
  }

  /** One map's values, weights and products, with their numbers. */
  private largeGrids(map: TermMap, scales: Scales): HTMLElement {
    const room = Math.min(this.element.clientWidth, 900);
    const fitting = Math.floor((room / (room < 520 ? 1 : 3) - 34) / map.columns);
    const side = Math.max(5, Math.min(40, fitting < 30 ? Math.min(fitting, 16) : fitting));
    const figure = (title: string, numbers: number[], scale: Scale, bordered = false) =>
      gridFigure(title, {
        rows: map.rows, columns: map.columns, values: numbers, scale,
        ...(bordered ? { isBorder: (index: number) => (map.terms[index]?.unit ?? 0) < 0 } : {}),
      }, side, cellDecimals(numbers), this.scene.palettes);
    const what = map.map < 0 ? "what it reads" : `what it sees of map ${map.map}`;
    return el("div", { class: "grids", "data-testid": "grids" },
      figure(what, map.terms.map(({ value }) => value), scales.values, true), el("span", { class: "sign" }, "×"),
      figure("weights", map.terms.map(({ factor }) => factor), scales.factors), el("span", { class: "sign" }, "="),
      figure("products", map.terms.map(({ product }) => product), scales.products), el("span", { class: "sign" }, "Σ"),
      el("output", { class: "sum" }, short(map.sum)));
  }

  /** All maps, small, each with the sum of its products; one that is pressed becomes large. */
  private list(maps: readonly TermMap[], chosen: number, scales: Scales): HTMLElement {
    const decimals = decimalsFor(maps.map(({ sum }) => sum)) - 1;
    const list = el("div", { class: "terms", role: "group", "aria-label": "Sums of products, map by map" });
    maps.slice(0, LISTED).forEach((map, index) => {
      const grid: NumberGrid = { rows: map.rows, columns: map.columns, values: map.terms.map(({ product }) => product), scale: scales.products };
      const side = Math.max(2, Math.min(8, Math.floor(40 / Math.max(map.rows, map.columns))));
      const item = el("button", { type: "button", "aria-pressed": String(index === chosen), "aria-label": `map ${map.map}: ${fixed(map.sum, decimals)}` },
        gridFigure("", grid, side, 0, this.scene.palettes), el("span", { class: "muted" }, `map ${map.map}`), el("span", {}, fixed(map.sum, decimals)));
      item.addEventListener("click", () => {
        this.chosen = index;
        this.paint();
      });
      list.append(item);
    });
    return list;
  }
}

interface Scales {
  readonly values: Scale;
  readonly factors: Scale;
  readonly products: Scale;
}
