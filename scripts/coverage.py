"""Which ONNX files does the library open, and what can be done with them? Prints a table in Markdown.

Usage: coverage.py PROGRAM [--only GROUP,…] [--sets 17,18] [--names a,b] [--exporters script,dynamo]
                   [--folder FOLDER] [--seconds N] [--table]

PROGRAM is the built example `coverage`. Groups: vision, timm, light, node, files (of FOLDER).
Networks are written, tried and removed one by one. Results are kept in target/coverage/results.jsonl: what
is there is not done again (remove the file to begin anew); --table only prints what they say.
"""

import argparse
import collections
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import coverage_files
from coverage_files import NotMade

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(os.environ.get("COVERAGE_RESULTS", ROOT / "target/coverage/results.jsonl"))
STEPS = {
    "output": "as ONNX Runtime",
    "gradient": "gradient",
    "grad_cam": "Grad-CAM",
    "summary": "summary",
    "inference": "inference form",
    "occlusion": "occlusion",
}
GROUPS = {
    "vision": "torchvision, sets 13 to 23, both exporters",
    "timm": "timm, 64 architectures and 2 tests' networks",
    "light": "`onnx` package, light models",
    "files": "files from model collections",
    "node": "`onnx` package, cases of single operators",
}
# One network with all its steps on two cores.
LONGEST = 900


def groups(options):
    for group in options.only.split(","):
        if group == "files":
            yield group, coverage_files.files([options.folder] if options.folder else [])
        else:
            sets, names, exporters = (
                [part for part in text.split(",") if part] for text in (options.sets, options.names, options.exporters)
            )
            maker = getattr(coverage_files, group)
            yield group, maker([int(opset) for opset in sets], names, exporters or coverage_files.EXPORTERS)


def tried(program, group, networks, folder):
    """What became of each step of each network; of a file that can't be made, why."""
    paths, outcomes = {}, {}
    for number, (name, write) in enumerate(networks):
        path = Path(folder) / f"{number}.onnx"
        try:
            write(path)
            paths[str(path)] = name
        except NotMade as reason:
            outcomes[name] = {"not made": str(reason).strip().split("\n")[0][:300]}
    flags = ["--forward"] if group == "node" else []
    try:
        command = [program, *flags, *paths]
        run = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST) if paths else None
        for line in run.stdout.splitlines() if run else []:
            path, *fields = line.split("\t")
            if path in paths:
                outcomes[paths[path]] = dict(field.split("=", 1) for field in fields)
        ended = f"the program ended with {run.returncode}: {run.stderr.strip()[-200:]}" if run else ""
    except subprocess.TimeoutExpired:
        ended = f"took longer than {LONGEST} s"
    return outcomes | {name: {"open": ended} for name in paths.values() if name not in outcomes}


def run(options, results):
    began = time.monotonic()
    for group, networks in groups(options):
        # Single operators are many and small.
        size = 50 if group == "node" else 1
        networks = (network for network in networks if (group, network[0]) not in results)
        while batch := list(itertools.islice(networks, size)):
            if options.seconds and time.monotonic() - began > options.seconds:
                print("stopped: the time is over", file=sys.stderr)
                return
            with tempfile.TemporaryDirectory(dir=RESULTS.parent) as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcomes = tried(options.program, group, batch, folder)
            for name, steps in outcomes.items():
                results[group, name] = steps
                with RESULTS.open("a", encoding="utf-8") as file:
                    print(json.dumps({"group": group, "name": name, "steps": steps}), file=file)
                bad = {step: text for step, text in steps.items() if text != "ok"}
                print(f"{group} {name}: {bad or 'ok'}"[:400], flush=True)


def single_operators(rows):
    """Of a case's two forms the better one counts: some can't be a layer, some no constant."""
    cases = collections.defaultdict(list)
    for name, steps in rows.items():
        cases[name.rsplit(" (", 1)[0]].append(steps)
    best = lambda steps: (steps.get("output") == "ok", "output" in steps, "not made" not in steps)
    return {name: max(forms, key=best) for name, forms in cases.items()}


def reason(text):
    """Without what belongs to one file only, so that like reasons are counted together."""
    text = re.sub(r"^\S*\.onnx cannot be imported: ", "", text)
    text = re.sub(r"^node `[^`]*` ", "", text)
    missing = re.findall(r"  (\S+), \d+ times", text)
    if missing:
        return "operators: " + ", ".join(missing)
    return re.sub(r"[\d.e+-]*\d", "#", text)[:110]


def table(results):
    print("| files | made | open | " + " | ".join(STEPS.values()) + " |")
    print("|---|---:|---:|" + "---:|" * len(STEPS))
    reasons = collections.Counter()
    for group, title in GROUPS.items():
        rows = {name: steps for (of, name), steps in results.items() if of == group}
        rows = single_operators(rows) if group == "node" else rows
        rows = {name: steps for name, steps in rows.items() if "not made" not in steps}
        if not rows:
            continue
        counts = [sum(steps.get(step) == "ok" for steps in rows.values()) for step in ["open", *STEPS]]
        shown = [str(count) for count in counts]
        if group == "node":
            shown[2:] = ["–"] * (len(shown) - 2)
        print(f"| {title} | {len(rows)} | " + " | ".join(shown) + " |")
        for steps in rows.values():
            bad = next(((step, text) for step, text in steps.items() if text != "ok"), None)
            if bad:
                reasons[group, f"{bad[0]}: {reason(bad[1])}"] += 1
    if reasons:
        print("\nWhat is missing:\n")
    for (group, text), count in sorted(reasons.items(), key=lambda item: (item[0][0], -item[1])):
        print(f"- {group}, {count}×: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--only", default="light,timm,vision,node")
    parser.add_argument("--sets", default="")
    parser.add_argument("--names", default="")
    parser.add_argument("--exporters", default="")
    parser.add_argument("--folder", default="")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    results = {(row["group"], row["name"]): row["steps"] for row in map(json.loads, lines)}
    if not options.table:
        run(options, results)
    table(results)


if __name__ == "__main__":
    main()
