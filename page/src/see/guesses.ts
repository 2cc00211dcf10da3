// The network's guesses: the first and the second in words, and a bar for each class.

import { el, named } from "./dom";
import { percent } from "./numbers";
import type { Scene } from "./scene";
import { className } from "./words";

/** With more classes, only the likeliest ten have a bar. */
const BARS = 20;
const LIKELIEST = 10;

interface Bar {
  readonly item: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly name: HTMLElement;
  readonly fill: HTMLElement;
  readonly share: HTMLElement;
  index: number;
}

export class Guesses {
  readonly element = el("section", { class: "guesses", "aria-label": "Guesses" });
  private readonly first = el("p", { class: "first", "data-testid": "first" });
  private readonly second = el("p", { class: "second", "data-testid": "second" });
  private readonly said = el("p", { class: "unseen", role: "status", "aria-live": "polite", "data-testid": "said" });
  private readonly list = el("ol", { class: "bars" });
  private readonly bars: Bar[] = [];
  private isToBeSaid = true;

  /** `explain` is called with the class whose bar is pressed. */
  constructor(private readonly scene: Scene, explain: (index: number) => void) {
    const count = scene.model.nodes[scene.model.output.node]?.shape.reduce((product, size) => product * size, 1) ?? 0;
    for (let i = 0; i < (count <= BARS ? count : LIKELIEST); i++) this.bars.push(this.bar(i, explain));
    this.element.append(el("div", { class: "words" }, this.first, this.second), this.list, this.said);
    scene.onChange((change) => {
      if (change === "values") this.update();
    });
  }

  private bar(index: number, explain: (index: number) => void): Bar {
    const [name, fill, share] = [named(""), el("span", { class: "fill" }), el("span", { class: "share" })];
    const button = el("button", { type: "button", "data-testid": `bar-${index}`, title: "explain this class" }, name, el("span", { class: "track" }, fill), share);
    const bar = { item: el("li", {}, button), button, name, fill, share, index };
    button.addEventListener("click", () => explain(bar.index));
    this.list.append(bar.item);
    return bar;
  }

  private update(): void {
    const { shares, explained } = this.scene;
    const order = Array.from(shares.keys()).sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0));
    const [first = 0, second] = order;
    this.write(this.first, first);
    if (second !== undefined) this.write(this.second, second);
    this.bars.forEach((bar, place) => {
      if (shares.length > BARS) bar.index = order[place] ?? 0;
      const share = shares[bar.index] ?? 0;
      setText(bar.name, className(this.scene, bar.index));
      bar.fill.style.transform = `scaleX(${Math.max(0, Math.min(1, share)) || 0})`;
      setText(bar.share, percent(share));
      bar.item.classList.toggle("best", bar.index === first);
      bar.button.setAttribute("aria-pressed", String(bar.index === explained));
    });
    if (this.isToBeSaid) this.say(first, second);
  }

  /** A class with its probability. */
  private write(into: HTMLElement, index: number): void {
    if (!into.firstChild) into.append(named(""), " ", el("span"));
    const [name, share] = into.children;
    if (name) setText(name, className(this.scene, index));
    if (share) setText(share, percent(this.scene.shares[index] ?? 0));
  }

  /** Says the next guesses to a screen reader: after a stroke, not at each step of it. */
  sayNext(): void {
    this.isToBeSaid = true;
  }

  private say(first: number, second: number | undefined): void {
    this.isToBeSaid = false;
    const text = (index: number) => `${className(this.scene, index)}, ${percent(this.scene.shares[index] ?? 0)}`;
    this.said.textContent = `First guess: ${text(first)}.${second === undefined ? "" : ` Second: ${text(second)}.`}`;
  }
}

/** Sets a text, unless it stands there: the page isn't laid out anew for what stays. */
function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
