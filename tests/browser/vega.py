"""Vega 5 and vega-embed from JupyterLab's own files, for pages without JupyterLab.

JupyterLab's build keeps its packages in chunks of numbered modules, and tells in main.*.js which chunks a
package needs and which module it is. What follows puts those of Vega into one script.
"""

import re
from pathlib import Path

from jupyterlab.commands import get_app_dir

# The build's loader, as far as these modules use it.
LOADER = """(() => {
    const modules = {}, loaded = {};
    const load = id => {
        if (!(id in loaded)) {
            const module = loaded[id] = {exports: {}};
            if (!(id in modules)) throw new Error(`Vega needs a module ${id}`);
            modules[id].call(module.exports, module, module.exports, load);
        }
        return loaded[id].exports;
    };
    load.d = (to, from) => {
        for (const key in from) if (!(key in to)) Object.defineProperty(to, key, {enumerable: true, get: from[key]});
    };
    load.r = exports => Object.defineProperty(exports, '__esModule', {value: true});
    load.n = module => {
        const get = module.__esModule ? () => module.default : () => module;
        load.d(get, {a: get});
        return get;
    };
    const self = {%(queue)s: {push: ([_, more]) => Object.assign(modules, more)}};
    %(chunks)s
    // Packages name one another by numbers of their own.
    for (const [id, real] of %(shared)s) modules[id] = module => { module.exports = load(real); };
    // Node's; the environment is all that is read of it.
    modules[%(process)s] = module => { module.exports = {env: {}}; };
    window.vega = load(%(vega)s);
    window.vegaEmbed = load(%(embed)s).default;
})();
"""


def script():
    static = Path(get_app_dir()) / "static"
    [main] = static.glob("main.*.js")
    main = main.read_text(encoding="utf-8")
    chunks, shared, modules = {}, [], {}
    for name in ("vega", "vega-lite", "vega-embed"):
        needed, modules[name] = find(rf'name:"{name}",version:"[^"]+",factory:\(\)=>(.*?)\((\d+)\)\),', main)
        for number in re.findall(r"\.e\((\d+)\)", needed):
            chunks |= {path: path.read_text(encoding="utf-8") for path in static.glob(f"{number}.*.js")}
        (number,) = find(rf'(\d+):\{{shareScope:"default",shareKey:"{name}"', main)
        shared.append([int(number), int(modules[name])])
    (queue,) = find(r"self\.(\w+)=self", next(iter(chunks.values())))
    (process,) = find(r'(\d+)\(\w\)\{[^{}]*=\{\};function \w\(\)\{throw Error\("setTimeout has not been defined', main)
    return LOADER % {
        "queue": queue,
        "chunks": "\n".join(chunks.values()),
        "shared": shared,
        "process": process,
        "vega": modules["vega"],
        "embed": modules["vega-embed"],
    }


def find(pattern, text):
    match = re.search(pattern, text)
    assert match, f"JupyterLab's files have changed: nothing is like {pattern}"
    return match.groups()
