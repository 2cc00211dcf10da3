// Light or dark: as JupyterLab says, where the page is in a notebook, else as the system says.

/** Calls `changed` now and whenever the theme changes, with whether it is dark. */
export function followTheme(changed: (dark: boolean) => void): void {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const host = hostBody();
  let dark: boolean | undefined;
  const read = () => {
    const light = host?.dataset["jpThemeLight"];
    const now = light === undefined ? system.matches : light === "false";
    if (now === dark) return;
    dark = now;
    document.documentElement.dataset["theme"] = dark ? "dark" : "light";
    changed(dark);
  };
  read();
  system.addEventListener("change", read);
  if (host) new MutationObserver(read).observe(host, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
}

/** The body of the page that this one is shown in; null as a file of its own, or where it may not be read. */
function hostBody(): HTMLElement | null {
  try {
    return window.parent !== window ? window.parent.document.body : null;
  } catch {
    return null;
  }
}
