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
    const text = (index: number) => [named(className(this.scene, index)), " ", el("span", {}, percent(shares[index] ?? 0))];
    this.first.replaceChildren(...text(first));
    this.second.replaceChildren(...(second === undefined ? [] : text(second)));
    this.bars.forEach((bar, place) => {
      if (shares.length > BARS) bar.index = order[place] ?? 0;
      const share = shares[bar.index] ?? 0;
      bar.name.textContent = className(this.scene, bar.index);
      bar.fill.style.transform = `scaleX(${Math.max(0, Math.min(1, share)) || 0})`;
      bar.share.textContent = percent(share);
      bar.item.classList.toggle("best", bar.index === first);
      bar.button.setAttribute("aria-pressed", String(bar.index === explained));
    });
    if (this.isToBeSaid) this.say(first, second);
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
