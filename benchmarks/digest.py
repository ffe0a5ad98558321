"""Newsletters of all readers of a simulated newsroom: `attune digest --all --minutes N --out FOLDER`.

    python -m benchmarks.digest [--folder FOLDER] [--readers 10000] [--articles 5000] [--minutes 10]

Makes the newsroom and a bundle, reuses them in `--folder` if given, and runs the command as a process, with
everything that it logs, claims and writes. Goals: 10,000 newsletters within ten minutes, each within its budget of
reading time.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.newsroom import furnished, room
from recsys.settings import Settings

GOAL_SECONDS = 600
GOAL_READERS = 10_000


def main() -> int:
    """Print the figures; return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    for name, default in (("readers", GOAL_READERS), ("articles", 5_000), ("days", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--minutes", type=float, default=10.0)
    options = parser.parse_args()
    with room(options.folder) as folder:
        settings = furnished(folder, options.readers, options.articles, options.days)
        out = folder / "letters"
        shutil.rmtree(out, ignore_errors=True)
        seconds = written_in(settings, folder, out, options.minutes)
        letters = json.loads((out / "manifest.json").read_text("utf-8"))["letters"]
    minutes = [letter["minutes"] for letter in letters]
    per_goal = seconds / max(len(letters), 1) * GOAL_READERS
    print(f"{len(letters)} newsletters in {seconds:.0f} s: {1_000 * seconds / max(len(letters), 1):.1f} ms each")
    print(f"minutes to read: mean {sum(minutes) / max(len(minutes), 1):.2f}, most {max(minutes, default=0):.2f}")
    met = per_goal <= GOAL_SECONDS and max(minutes, default=0) <= options.minutes + 1e-6 and bool(letters)
    print(f"10,000 newsletters at this speed: {per_goal:.0f} s; goals {'met' if met else 'missed'}")
    return 0 if met else 1


def written_in(settings: Settings, folder: Path, out: Path, minutes: float) -> float:
    """Run the command; return its wall time in seconds, with its start."""
    environment = {**os.environ, "ATTUNE_DATABASE_URL": settings.database_url, "ATTUNE_HOME": str(folder)}
    arguments = ("digest", "--all", "--minutes", f"{minutes:g}", "--out", str(out))
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "api.cli", *arguments], env=environment, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
