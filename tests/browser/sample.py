"""A small notebook of the kinds of outputs that the library makes, to prove the tests by."""

import base64
import io

import nbformat
from PIL import Image

WIDTH, HEIGHT = 240, 160


def png(image):
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def photo():
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(x, y, 120) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def heat():
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(255, 255 - x, 0) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def heatmap_spec():
    """A photo, a heatmap over it, and a slider for how much of it is seen."""

    def layer(image, opacity):
        place = {"x": {"value": 0}, "y": {"value": 0}, "width": {"value": WIDTH}, "height": {"value": HEIGHT}}
        url = {"url": {"value": f"data:image/png;base64,{png(image)}"}}
        return {"type": "image", "encode": {"update": {**place, **url, "opacity": opacity}}}

    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "width": WIDTH,
        "height": HEIGHT,
        "signals": [{"name": "opacity", "value": 0.5, "bind": {"input": "range", "min": 0, "max": 1, "step": 0.05}}],
        "marks": [layer(photo(), {"value": 1}), layer(heat(), {"signal": "opacity"})],
    }


def write(path):
    v4 = nbformat.v4
    still = {"image/png": png(photo()), "text/plain": "a photo, 240 x 160"}
    heatmap = {"application/vnd.vega.v5+json": heatmap_spec(), **still}
    result = lambda data: v4.new_output("execute_result", data=data, execution_count=1)  # noqa: E731
    opened = v4.new_output("stream", text="opened\n")
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# A sample"),
            v4.new_code_cell("photo", outputs=[opened, result(still)], execution_count=1),
            v4.new_code_cell("heatmap", outputs=[result(heatmap)], execution_count=1),
        ]
    )
    nbformat.write(notebook, path)
    return path
