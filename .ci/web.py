"""Build of the browser code, and the step of `make check` that proves it is built from its sources.

`python .ci/web.py build` writes `api/web/static`; without `build`, it checks. The first line of a built file names
the digest of its sources and tools: this is checked everywhere. Where Node.js is installed, types are checked too,
and the files are built again and compared, byte for byte.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

WEB = Path(__file__).parents[1] / "api" / "web"
STATIC = WEB / "static"

ENTRIES = {
    "attune.js": "tracker/attune.ts",
    "attune-feed.js": "widget/attune_feed.ts",
    "reader.js": "reader/reader_page.ts",
    "pages.css": "reader/pages.css",
    "console.js": "console/console.ts",
    "console.css": "console/console.css",
}
"""Built file → the file that it begins with."""

SOURCES = {
    "attune.js": ("tracker",),
    "attune-feed.js": ("widget",),
    "reader.js": ("reader", "tracker", "widget"),
    "pages.css": ("reader",),
    "console.js": ("console",),
    "console.css": ("console", "reader"),
}
"""Built file → the folders that it may be built from; other files keep their hash when these change."""

OPTIONS = (
    "--bundle", "--minify", "--format=iife", "--target=es2020", "--sourcemap", "--log-level=warning",
    "--preserve-symlinks",  # the source map has the path of a package where it was imported from
)  # fmt: skip

REBUILD = "run `make web` and commit api/web/static"


def main() -> int:
    """Build or check; return 1 and print the fix if the built files are not those of the sources."""
    if sys.argv[1:] == ["build"]:
        if not tools_are_ready():
            print(
                "Node.js is missing: install nodejs and npm (20 or newer) to build the browser code",
                file=sys.stderr,
            )
            return 1
        check_types()
        build(STATIC)
        return 0
    findings = [*without_tools(), *(with_tools() if tools_are_ready() else ())]
    print("\n".join(findings) or "web: the built files are those of the sources")
    return int(bool(findings))


def without_tools() -> Iterator[str]:
    """Yield a finding for each built file whose first line names other sources."""
    for name in ENTRIES:
        path = STATIC / name
        if not path.is_file() or path.read_text().partition("\n")[0] != banner(name):
            yield f"{name} is older than its sources: {REBUILD}"


def with_tools() -> Iterator[str]:
    """Yield a finding for each file that a new build makes otherwise."""
    check_types()
    with tempfile.TemporaryDirectory(
        dir=WEB
    ) as folder:  # as deep as `STATIC`: the source map holds relative paths
        build(Path(folder))
        for made in sorted(Path(folder).iterdir()):
            kept = STATIC / made.name
            if not kept.is_file() or kept.read_bytes() != made.read_bytes():
                yield f"{made.name} is not what its sources build: {REBUILD}"


def build(folder: Path) -> None:
    """Write the built files and their source maps."""
    for name, entry in ENTRIES.items():
        kind = name.rpartition(".")[2]
        run("esbuild", entry, *OPTIONS, f"--banner:{kind}={banner(name)}", f"--outfile={folder / name}")


def check_types() -> None:
    """Check the types of all sources."""
    run("tsc", "--noEmit", "--project", ".")


def banner(name: str) -> str:
    """Return the first line of a built file: licence, and digest of its sources, tools and options."""
    sources = [path for folder in SOURCES[name] for path in (WEB / folder).rglob("*.*")]
    files = sorted([WEB / "package.json", WEB / "tsconfig.json", *sources])
    digest = hashlib.sha256(repr((ENTRIES[name], OPTIONS)).encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return f"/*! Attune, Apache-2.0; sources {digest.hexdigest()} */"


def tools_are_ready() -> bool:
    """Return True if the pinned tools are installed, or could be installed now."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    pinned = json.loads((WEB / "package.json").read_text())["devDependencies"]
    if installed(pinned):
        return True
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=WEB, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    if done.returncode != 0:
        print(
            "web: npm could not install the tools, so only the digest of the sources is checked", file=sys.stderr
        )
    return done.returncode == 0 and installed(pinned)


def installed(pinned: dict[str, str]) -> bool:
    """Return True if `node_modules` holds exactly the `pinned` versions."""
    manifests = {name: WEB / "node_modules" / name / "package.json" for name in pinned}
    return all(
        path.is_file() and json.loads(path.read_text())["version"] == pinned[name]
        for name, path in manifests.items()
    )


def run(tool: str, *arguments: str) -> None:
    """Run a tool of `node_modules`; end the program with its status if it fails."""
    done = subprocess.run([WEB / "node_modules" / ".bin" / tool, *arguments], cwd=WEB, check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
