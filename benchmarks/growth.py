"""Growth of a training with the log: time, CPU and memory of each stage, at several sizes of a simulated log.

    python -m benchmarks.growth [--folder FOLDER] [--times 1 3 10] [--readers 800] [--days 14]

The log grows by its readers; with --days 60 --readers 12000 --times 1 it has a million impressions. Each training
is `attune train` in a process of its own, so its memory is its own. With `--folder`, no size is trained twice.
Goals: ten times the log costs at most eleven times the seconds; a million impressions over 60 days train in
40 minutes and 6 GiB.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.newsroom import room, stored
from recsys.simulate.world import simulate

_GOAL = 11 / 10
_MANIFESTS = "bundles/*/manifest.json"
_GIB = 1_024


def trained(folder: Path, readers: int, articles: int, days: int) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of impressions of a log of this size, and the stages of a training on it."""
    url, made = f"sqlite:///{folder / 'attune.db'}", folder / "impressions"
    if not made.exists():
        folder.mkdir(exist_ok=True)
        world = simulate(readers=readers, articles=articles, days=days)
        stored(world, url).close()
        made.write_text(str(world.slates.height))
    if not list(folder.glob(_MANIFESTS)):
        command = (sys.executable, "-m", "api.cli", "train", "--database-url", url, "--home", str(folder))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (manifest,) = folder.glob(_MANIFESTS)
    stages: list[dict[str, Any]] = json.loads(manifest.read_text())["profile"]
    return int(made.read_text()), stages


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    for name, default in (("readers", 800), ("articles", 2_200), ("days", 14)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    seconds = {}
    with room(options.folder) as folder:
        for times in options.times:
            readers = times * options.readers
            place = folder / f"{readers}-{options.articles}-{options.days}"
            count, stages = trained(place, readers, options.articles, options.days)
            seconds[times] = sum(each["seconds"] for each in stages)
            cpu, peak = sum(each["cpu_seconds"] for each in stages), stages[-1]["peak_mib"] / _GIB
            spent = f"{seconds[times]:.0f} s, {cpu:.0f} s of CPU, {peak:.1f} GiB"
            print(f"\n{times} times: {count:,} impressions, {spent}")
            for each in stages:
                print(
                    f"  {each['stage']:<28}{each['seconds']:>8.1f} s {each['cpu_seconds']:>8.1f} s of CPU",
                    flush=True,
                )
    first = min(seconds)
    for times in sorted(seconds)[1:]:
        growth = seconds[times] / seconds[first]
        print(f"{times / first:g} times the log: {growth:.1f} times the seconds; goal {_GOAL * times / first:.1f}")


if __name__ == "__main__":
    main()
