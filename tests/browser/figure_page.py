"""A figure in a page, JupyterLab's or a bare one, and what a test sees of it."""

import json

VEGA = "application/vnd.vega.v5+json"

# Vega draws on a canvas, where nothing can be selected. What it draws is kept with the canvas: every
# text, the last one of each color, those with an outline, and where each picture lies, in CSS pixels of the canvas. Pixels are read often; Chromium wants to
# know it.
RECORD = """{
    const {getContext} = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.getContext = function (kind, options) {
        return getContext.call(this, kind, {...options, willReadFrequently: true});
    };
    const context = CanvasRenderingContext2D.prototype;
    const {fillText, strokeText, drawImage} = context;
    context.fillText = function (text, ...rest) {
        (this.canvas.texts ??= []).push(text);
        (this.canvas.inks ??= {})[this.fillStyle] = text;
        return fillText.call(this, text, ...rest);
    };
    context.strokeText = function (text, ...rest) {
        (this.canvas.outlined ??= []).push(text);
        return strokeText.call(this, text, ...rest);
    };
    context.drawImage = function (image, x, y, w, h, ...rest) {
        if (w === undefined) return drawImage.call(this, image, x, y);
        const at = this.getTransform(), ratio = window.devicePixelRatio;
        const box = {x: (at.e + at.a * x) / ratio, y: (at.f + at.d * Math.min(y, y + h)) / ratio,
            w: at.a * w / ratio, h: Math.abs(at.d * h) / ratio};
        const boxes = this.canvas.pictures ??= [];
        if (!boxes.some(old => Math.hypot(old.x - box.x, old.y - box.y) < 1)) boxes.push(box);
        return drawImage.call(this, image, x, y, w, h, ...rest);
    };
}"""

# As JupyterLab's renderer for Vega does it.
EMBED = """async ([name, spec]) => {
    const place = document.body.appendChild(document.createElement('div'));
    place.id = name;
    const options = {actions: true, defaultStyle: true, mode: 'vega'};
    const {view} = await vegaEmbed(place.appendChild(document.createElement('div')), JSON.parse(spec), options);
    await view.runAsync();
    place.querySelector('canvas').view = view;
}"""

# Where Vega's view is known, it says when it has drawn, images included. In JupyterLab there is only time.
SETTLED = """async canvas => {
    const read = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const frame = () => new Promise(requestAnimationFrame);
    const pause = async () => {
        if (!canvas.view) return new Promise(done => setTimeout(done, 50));
        await frame();
        await canvas.view.runAsync();
    };
    await pause();
    let last = read();
    for (const end = performance.now() + 30000; performance.now() < end;) {
        await pause();
        const now = read();
        if (now.data.every((value, i) => value == last.data[i])) return now;
        last = now;
    }
    throw new Error('the figure never comes to rest');
}"""


class BarePage:
    """A page with Vega, vega-embed, and the figures that are shown in it."""

    def __init__(self, browser, vega):
        self.page = browser.new_page(viewport={"width": 1200, "height": 900})
        self.page.set_default_timeout(60_000)
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        self.page.add_init_script(RECORD)
        self.page.goto("about:blank")
        self.page.set_content("<!DOCTYPE html><title>Figures</title><body></body>")
        self.page.add_script_tag(path=vega)

    def show(self, bundles):
        figures = []
        for name, bundle in bundles.items():
            self.page.evaluate(EMBED, [name, json.dumps(bundle[VEGA])])
            figures.append(Figure(self.page, self.page.locator(f"#{name}"), bundle[VEGA]))
        return figures

    def complaints(self):
        """What Vega and Chromium said in the console."""
        return self.errors

    def screenshots(self, path):
        self.page.screenshot(path=f"{path}.png", full_page=True)

    def close(self):
        self.page.close()


class Figure:
    """A figure: its output's element, the canvas in it, and the specification that it was made from."""

    def __init__(self, page, output, spec=None):
        self.page, self.output, self.spec = page, output, spec
        self.canvas = output.locator("canvas").first
        self.canvas.scroll_into_view_if_needed()
        self.settled()

    def settled(self):
        return settled(self.canvas)

    def input(self, name):
        return self.output.locator(f"input[name={name}]")

    def box(self):
        return self.canvas.bounding_box()

    def pictures(self):
        """Where pictures lie in the figure, row by row."""
        boxes = self.canvas.evaluate("canvas => canvas.pictures")
        return sorted(boxes, key=lambda box: (round(box["y"]), box["x"]))

    def point(self, x, y):
        """Moves the pointer to this place in the canvas."""
        corner = self.box()
        self.page.mouse.move(corner["x"] + x, corner["y"] + y)

    def away(self):
        """Moves the pointer off every figure."""
        self.page.mouse.move(0, 0)

    def drawn(self, act):
        """All texts that the figure writes anew when act() is done, the last ones last."""
        self.canvas.evaluate("canvas => { canvas.texts = []; }")
        act()
        self.settled()
        return self.canvas.evaluate("canvas => canvas.texts")

    def tooltip(self):
        """Vega's only one in the page, if it is shown."""
        return self.page.locator("#vg-tooltip-element.visible")


def settled(canvas):
    """The canvas's pixels once it is at rest: two readings in a row agree. They stay in the browser."""
    return canvas.evaluate_handle(SETTLED)


def changed(before, after):
    """How much two readings of one canvas differ: (pixels, pixels of the box around them, of all)."""
    return before.evaluate(
        """(before, after) => {
            const {width, height} = before, a = before.data, b = after.data;
            let count = 0, left = width, top = height, right = 0, bottom = 0;
            for (let i = 0; i < a.length; i += 4) {
                const apart = Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]);
                if (apart <= 12) continue;
                const x = (i / 4) % width, y = Math.floor(i / 4 / width);
                count++;
                left = Math.min(left, x); right = Math.max(right, x + 1);
                top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
            }
            return [count, count && (right - left) * (bottom - top), width * height];
        }""",
        after,
    )
