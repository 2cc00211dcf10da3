"""Takes README's pictures from an execution of its code: readme_pictures.py README.ipynb

A picture below a block of code is what that block draws.
"""

import base64
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```rust\n((?:(?!^```).*\n)*)^```\n\n!\[[^]]*\]\((\S+\.png)\)", re.M)

cells = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["cells"]
drawn = {}
for cell in cells:
    for output in cell.get("outputs", []):
        if "image/png" in output.get("data", {}):
            drawn["".join(cell["source"]).strip()] = base64.b64decode(output["data"]["image/png"])

for code, picture in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
    if code.strip() not in drawn:
        sys.exit(f"README.md: the code above {picture} draws nothing")
    changed = (ROOT / picture).read_bytes() != drawn[code.strip()]
    (ROOT / picture).write_bytes(drawn[code.strip()])
    print(f"{picture}: {'new' if changed else 'as it was'}")
