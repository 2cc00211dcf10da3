"""What the page computes, held against libtorch: every layer's value and the input's gradient."""

import base64
import json
import os
from pathlib import Path

import numpy as np
import onnx_network
import pytest
from alive_page import AlivePage

# All networks but `wide` travel with their very numbers; its 16 bits are measured by each layer's largest value.
NETWORKS = ["digits", "odd", "onnx", "resnet20", "wide"]
EXACT = 1e-4

# For one picture: by how much each layer's value differs at most, how large the largest is, and the same of the
# gradient of the best class.
COMPARE = """([text, sizes]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const wanted = new Float32Array(bytes.buffer), {engine} = window.alive;
    const differ = (from, size, found) => {
        let most = 0, largest = 0;
        if (found.length != size) return [NaN, NaN];
        for (let i = 0; i < size; i++) {
            const off = Math.abs(found[i] - wanted[from + i]);
            most = off <= most ? most : off;
            largest = Math.max(largest, Math.abs(wanted[from + i]));
        }
        return [most, largest];
    };
    engine.run(wanted.slice(0, sizes[0]));
    const off = [];
    let at = 0;
    sizes.forEach((size, node) => { off.push(differ(at, size, engine.values[node])); at += size; });
    const output = engine.values[sizes.length - 1];
    engine.backward(sizes.length - 1, output.indexOf(Math.max(...output)));
    off.push(differ(at, sizes[0], engine.gradients[0]));
    return off;
}"""


@pytest.fixture(scope="module")
def folder(gallery, tmp_path_factory):
    onnx = onnx_network.write(tmp_path_factory.mktemp("onnx") / "network.onnx")
    cifar = Path(os.environ.get("CONVSCOPE_HOME", ".")) / "data/cifar10_train2000_lossless.safetensors"
    return gallery("alive", onnx, *[cifar] * cifar.is_file())


@pytest.fixture
def answered(folder, browser):
    """Opens a network's page; gives it, its layers' names and sizes, and libtorch's numbers, a row each picture."""
    pages = []

    def answered(name):
        if not (folder / f"{name}.values").is_file():
            pytest.skip(f"skipped: {name}: no weights or no pictures under CONVSCOPE_HOME")
        layers = json.loads((folder / f"{name}.layers.json").read_text())
        values = np.fromfile(folder / f"{name}.values", "<f4").reshape(layers["pictures"], -1)
        pages.append(AlivePage.file(browser, folder / f"{name}.page.html"))
        return pages[-1], layers, values

    yield answered
    for page in pages:
        page.close()


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_and_the_gradient_are_libtorchs(name, answered):
    page, layers, values = answered(name)
    assert page.model()["nodes"][-1]["name"] == layers["names"][-1]
    assert [node["name"] for node in page.model()["nodes"]] == layers["names"]
    off = []
    for row in values:
        text = base64.b64encode(row.tobytes()).decode()
        off.append(page.evaluate(COMPARE, [text, layers["sizes"]]))
    off = np.array(off, dtype=float)
    most = off[:, :, 0] / np.maximum(off[:, :, 1].max(axis=0), 1e-6) if name == "wide" else off[:, :, 0]
    worst = dict(zip([*layers["names"], "gradient"], most.max(axis=0), strict=True))
    print(name, len(values), "pictures, at most off by", max(worst.values()))
    assert np.isfinite(most).all() and {layer: m for layer, m in worst.items() if not m <= EXACT} == {}


@pytest.mark.parametrize("name", ["odd", "onnx", "resnet20"])
def test_an_example_becomes_the_input_that_the_library_makes_of_it(name, answered):
    page, layers, values = answered(name)
    for at in [0, 1, 5]:
        page.choose(at)
        found = np.array(page.evaluate("() => [...window.alive.engine.values[0]]"))
        assert np.abs(found - values[at, : layers["sizes"][0]]).max() < 1e-6, at
        found = np.array(page.evaluate("() => [...window.alive.engine.values.at(-1)]"))
        end = sum(layers["sizes"])
        assert np.abs(found - values[at, end - layers["sizes"][-1] : end]).max() < EXACT, at
