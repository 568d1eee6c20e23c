#!/usr/bin/env python3
"""Times `repo-to-cat analyze` against PyPI `lizard` on the same files of a real tree.

The tree is the content of the wheel ansible 12.3.0 (GPL-3.0, some 4 million lines, nearly all Python), pinned by its
checksum, made a Git repository of one commit. Wheel, lizard and tree are kept in the work folder for the next run.

    benches/analysis.py [--binary target/release/repo-to-cat] [--work target/bench/analysis] [--runs 3]
                        [--tree FOLDER] [--quick] [--no-lizard]

Prints files, lines, seconds (median of the runs), the ratios, and the peak memory of all processes together.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

WHEEL = "ansible==12.3.0 --hash=sha256:cd156f82fa87f7a899212b0efa9f7ca3a24d609212de9f78428a572eb01e5414\n"
LIZARD = "lizard==1.24.3"
PARSED = {"Rust", "Python", "JavaScript", "TypeScript", "Go", "Java"}
MAX_BYTES = 512 * 1024


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def environment(work: Path) -> Path:
    """A Python environment of its own, with lizard; its folder of programs."""
    programs = work / "venv" / "bin"
    if not (programs / "lizard").exists():
        venv.create(work / "venv", with_pip=True)
        run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", LIZARD)
    return programs


def pinned_tree(work: Path, programs: Path) -> Path:
    """The content of the wheel as a Git repository."""
    tree = work / "tree"
    if not (tree / ".git").exists():
        (work / "wheel.txt").write_text(WHEEL)
        run(programs / "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:",
            "--python-version", "3.12", "--require-hashes", "--requirement", work / "wheel.txt", "--dest", work)
        run(sys.executable, "-m", "zipfile", "-e", next(work.glob("ansible-*.whl")), tree)
        git = ["git", "-C", tree, "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "core.autocrlf=false"]
        run(*git, "init", "--quiet")
        run(*git, "add", "--force", "--all")
        run(*git, "commit", "--quiet", "--message", "the wheel")
    return tree


def family(root: int) -> list:
    """A process and all its descendants."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, []))
    return found


def proportional_memory(pid: int) -> int:
    """Resident kilobytes, with shared pages counted once over all who share them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def timed(command, output: Path, allowed=frozenset({0})):
    """Seconds by the clock, processor seconds, peak memory in MB. Lizard ends with 1 where it warns."""
    before = os.times()
    start = time.monotonic()
    with output.open("wb") as out:
        process = subprocess.Popen([str(word) for word in command], stdout=out)
    peak, over = [0], threading.Event()

    def watch():
        while not over.wait(0.1):
            peak[0] = max(peak[0], sum(proportional_memory(pid) for pid in family(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    seconds = time.monotonic() - start
    over.set()
    watcher.join()
    after = os.times()
    if code not in allowed:
        sys.exit(f"{command[0]} ended with {code}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, peak[0] / 1024


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", type=Path, default=Path("target/release/repo-to-cat"))
    options.add_argument("--work", type=Path, default=Path("target/bench/analysis"))
    options.add_argument("--tree", type=Path, help="another Git repository instead of the pinned one")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--no-lizard", action="store_true", help="time repo-to-cat only")
    options.add_argument("--quick", action="store_true", help="only plain lizard, without extensions")
    options = options.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    programs = environment(work)
    tree = pinned_tree(work, programs) if options.tree is None else options.tree.resolve()

    ours = [timed([options.binary.resolve(), "analyze", tree, "--json"], work / "ours.json") for _ in range(options.runs)]
    analysis = json.loads((work / "ours.json").read_text())
    parsed = [
        file
        for file in analysis["files"]
        if file["language"] in PARSED and file["left_out"] is None and file["bytes"] <= MAX_BYTES
    ]
    sloc = sum(file["sloc"] for file in parsed)
    seconds, used, memory = (statistics.median(values) for values in zip(*ours))
    print(f"tree        {tree.name}: {analysis['entries']} entries, {analysis['sloc']} lines, {analysis['repo_size_kb']} KB")
    print(f"parsed      {len(parsed)} files, {sloc} lines, {analysis['metrics']['function_count']} functions")
    print(f"repo-to-cat {seconds:.2f} s ({used:.2f} s of processors), {sloc / seconds:,.0f} lines/s, peak {memory:.0f} MB")
    if options.no_lizard:
        return
    # As absolute paths: lizard reads them one a line.
    (work / "files.txt").write_text("\n".join(str(tree / file["path"]) for file in parsed))
    lizard = [programs / "lizard", "--csv", "-f", work / "files.txt"]
    # Plain lizard finds no copies and no nesting; with these extensions it measures about what we do.
    ways = {"lizard": lizard} if options.quick else {"lizard": lizard, "lizard -Eduplicate -ENS": [*lizard, "-Eduplicate", "-ENS"]}
    for name, command in ways.items():
        theirs, their_used, their_memory = timed(command, work / "lizard.csv", {0, 1})
        print(f"{name}\n            {theirs:.2f} s ({their_used:.2f} s of processors), "
              f"{sloc / theirs:,.0f} lines/s, peak {their_memory:.0f} MB; ratio {theirs / seconds:.1f}")


if __name__ == "__main__":
    main()
