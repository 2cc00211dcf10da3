// Elements. Text goes in as text only, so that no name of a file or a class becomes markup.

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string | null;

/** An element with attributes and children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** A name that others chose, apart from the text around it, whichever way it is read. */
export function named(name: string): HTMLElement {
  return el("bdi", {}, name);
}

/** A button with a text and what a screen reader says of it. */
export function button(text: string, testid: string, pressed: () => void, title = ""): HTMLButtonElement {
  const made = el("button", { type: "button", "data-testid": testid }, text);
  if (title !== "") made.title = title;
  made.addEventListener("click", pressed);
  return made;
}

/** Choices of which one holds: radio buttons that look like one bar. */
export class Choice<T extends string> {
  readonly element: HTMLElement;
  private readonly inputs = new Map<T, HTMLInputElement>();

  constructor(label: string, choices: readonly (readonly [T, string])[], chosen: T, changed: (choice: T) => void) {
    const name = `choice-${label}`;
    this.element = el("div", { class: "choice", role: "radiogroup", "aria-label": label });
    for (const [value, text] of choices) {
      const input = el("input", { type: "radio", name, value, "data-testid": `${name}-${value}`.replace(/\s/g, "-").toLowerCase() });
      input.checked = value === chosen;
      input.addEventListener("change", () => changed(value));
      this.inputs.set(value, input);
      this.element.append(el("label", {}, input, el("span", {}, text)));
    }
  }

  choose(value: T): void {
    const input = this.inputs.get(value);
    if (input) input.checked = true;
  }
}

/** A list to choose from. */
export function select(
  label: string, testid: string, options: readonly (readonly [string, string])[], changed: (value: string) => void,
): HTMLSelectElement {
  const made = el("select", { "aria-label": label, "data-testid": testid });
  for (const [value, text] of options) made.append(el("option", { value }, text));
  made.addEventListener("change", () => changed(made.value));
  return made;
}

/** A canvas of `width`×`height` CSS pixels, as sharp as the screen, cleared, with its context in CSS pixels. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(w / Math.max(1, width), 0, 0, h / Math.max(1, height), 0, 0);
  context.clearRect(0, 0, width, height);
  // As a canvas was left, so it is the next time.
  context.imageSmoothingEnabled = false;
  context.lineJoin = "round";
  return context;
}

/** Runs `work` once in the next frame, however often it is asked for until then. */
export function coalesced(work: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      work();
    });
  };
}
