// The frame that a notebook shows the page in.

/** Whether the page is shown in a frame, not as a file of its own. */
export function isFramed(): boolean {
  return window.parent !== window;
}

/** In a notebook: tells the frame how high the page is, and puts away the still that stands before the frame. */
export function fitFrame(content: HTMLElement): void {
  let frame: Element | null = null;
  try {
    frame = window.frameElement;
  } catch {
    // A frame of another origin.
  }
  if (!(frame && "style" in frame)) return;
  const { style } = frame as HTMLElement;
  let height = 0;
  // The content's height doesn't depend on the frame's, so this settles at once.
  const fit = () => {
    const now = Math.ceil(content.getBoundingClientRect().height);
    if (now === height || now === 0) return;
    height = now;
    style.height = `${height}px`;
  };
  new ResizeObserver(fit).observe(content);
  fit();
  const still = frame.previousElementSibling;
  if (still && "style" in still) (still as HTMLElement).style.display = "none";
}
