"""Peak resident memory of counting, each network in a process of its own.

Memory is flat when the peak stays put while the regions grow by orders of magnitude.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys

# No numpy and no linregions here: on Linux a child's peak starts from its parent's size at the fork.
from tables import Table, print_machine

NETS = ["2-16-16-1", "4-16-16-1", "5-16-16-1", "6-16-16-1"]
UNDER = {"6-16-16-1": 300}


def child(net: str, *, seed: int, threads: int) -> None:
    """Count and print one JSON object: regions, and the peaks before and after counting."""
    from nets import he_net, parsed, unit_box

    import linregions

    widths = parsed(net)
    model, box = he_net(widths, seed), unit_box(widths)
    before = peak_megabytes()
    count = linregions.count(model, box, threads=threads)
    print(json.dumps({"regions": count.value, "before": before, "after": peak_megabytes()}))


def peak_megabytes() -> float:
    """Peak resident size of this process so far, in units of 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6  # kilobytes, but bytes on macOS


def measured(net: str, *, seed: int, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", "--nets", net, "--seed", str(seed), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SystemExit(f"counting {net} failed with status {done.returncode}: {last}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", nargs="+", default=NETS, help="widths, such as 6-16-16-1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.nets[0], seed=args.seed, threads=args.threads[0])
        return
    print_machine()
    columns = ["net", "threads", "regions", "peak before counting, MB", "peak, MB", "under"]
    table = Table(f"Peak resident memory, box [-1, 1]^d, seed {args.seed}", columns)
    for net in args.nets:
        for threads in args.threads:
            got = measured(net, seed=args.seed, threads=threads)
            table.row(net, threads, got["regions"], got["before"], got["after"], UNDER.get(net, ""))


if __name__ == "__main__":
    main()
