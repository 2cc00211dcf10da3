"""Runs a command; prints the seconds it took and the most memory it had, in MiB.

Usage: python -I -S measured.py COMMAND…
"""

import os
import subprocess
import sys
import time

start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - start
if status:
    sys.exit(f"{sys.argv[1:]} failed")
print(seconds, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
