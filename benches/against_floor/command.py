"""The command: which figures to take, and what to print."""

import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from side_by_side import machine, report, room
from side_by_side.tables import Tables

from . import leak, memory, reload, stall, transfer
from .bench import Bench

BENCHES = pathlib.Path(__file__).resolve().parent.parent
PRODUCT = BENCHES.parent
FIGURES = {
    "transfer": transfer.figures,
    "cpu": transfer.cpu,
    "peers": memory.figures,
    "reload": reload.figures,
    "leak": leak.figures,
    "stall": stall.figures,
}


def main():
    arguments = parse(sys.argv[1:])
    if os.environ.get(room.MARK):
        return inside(arguments)
    build(arguments)
    return room.run_inside([sys.executable, str(BENCHES / "against-floor"), *sys.argv[1:]], "against-floor-")


def parse(words):
    parser = argparse.ArgumentParser(
        prog="against-floor",
        description="Takes peeringd's budgets one by one: times as ratios to bgpreplay, which writes ready-made bytes, turn by turn"
        " with bgpsink as the receiver; memory, CPU, reloads and a peer that does not read.",
    )
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of: {' '.join(FIGURES)} (default: all)")
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="runs of which medians are taken (default %(default)s)")
    parser.add_argument("--transfers", type=int, default=40, metavar="N", help="transfers of which the mean CPU is taken (default"
                        " %(default)s)")
    parser.add_argument("--stall-seconds", type=int, default=300, metavar="S", help="how long the peer reads nothing (default"
                        " %(default)s)")
    parser.add_argument("--shrink", type=int, default=1, metavar="N", help="tables of one Nth of the size, to see that it runs")
    parser.add_argument("--peeringd", type=pathlib.Path, metavar="PATH", help="default: target/release/peeringd, built first")
    parser.add_argument("--shared", type=pathlib.Path, metavar="FOLDER", help="where tools/bgpsink is (default: $PEERINGD_SHARED,"
                        " else ../shared)")
    arguments = parser.parse_args(words)
    for name in arguments.figures:
        if name not in FIGURES:
            parser.error(f"no such figure: {name}; there are {', '.join(FIGURES)}")
    arguments.shared = arguments.shared or pathlib.Path(os.environ.get("PEERINGD_SHARED", PRODUCT.parent / "shared"))
    if not (arguments.shared / "tools" / "bgpsink" / "Cargo.toml").exists():
        parser.error(f"no tools/bgpsink in {arguments.shared}: name the folder with --shared or PEERINGD_SHARED")
    arguments.build_peeringd = arguments.peeringd is None
    arguments.peeringd = (arguments.peeringd or PRODUCT / "target" / "release" / "peeringd").resolve()
    return arguments


def bgpsink_folder():
    return PRODUCT / "target" / "against-floor" / "bgpsink"


def build(arguments):
    """Outside the room, where cargo finds its registry. bgpsink's source may lie where nothing can be written."""
    cargo = ["cargo", "build", "--release", "--quiet", "--manifest-path"]
    subprocess.run([*cargo, str(BENCHES / "receiver" / "Cargo.toml")], check=True)
    if arguments.build_peeringd:
        subprocess.run([*cargo, str(PRODUCT / "Cargo.toml")], check=True)
    copy = bgpsink_folder()
    for file in ("Cargo.toml", "src/main.rs", "src/bin/bgpreplay.rs"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(arguments.shared / "tools" / "bgpsink" / file, copy / file)
    # The same versions as peeringd's own build, so that nothing new is fetched.
    shutil.copyfile(PRODUCT / "Cargo.lock", copy / "Cargo.lock")
    environment = {key: value for key, value in os.environ.items() if key != "CARGO_TARGET_DIR"}
    subprocess.run([*cargo, str(copy / "Cargo.toml")], check=True, env=environment)


def inside(arguments):
    signal.signal(signal.SIGTERM, room.interrupted)
    room.furnish()
    scratch = pathlib.Path(os.environ[room.MARK])
    tables = Tables(BENCHES / "receiver" / "target" / "release", scratch, 500)
    bench = Bench(arguments, tables, scratch, bgpsink_folder() / "target" / "release")
    print(report.about(machine.describe()))
    print(subprocess.run([arguments.peeringd, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    held = True
    for name in arguments.figures or FIGURES:
        for figure in FIGURES[name](bench):
            held &= figure.holds
            print(figure, flush=True)
    print("all within their budgets" if held else "NOT all within their budgets")
    return 0 if held else 1
