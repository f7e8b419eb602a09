"""`make bench`: every figure beside its baseline, measured in one run. Never part of the tests.

    make bench                          everything, whole sizes (some ten minutes, 5 GB in .bench/)
    make bench ARGS="--quick"           everything, a tenth or less of the sizes
    make bench ARGS="render smtp"       some of it
    make bench ARGS="decisions --postgres"

Each measurement runs in a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT), str(HERE)]

from measure import Figure, Sizes  # noqa: E402


def _decisions(sizes: Sizes) -> list[Figure]:
    from decisions import decisions

    return decisions(sizes)


def _idle(sizes: Sizes) -> list[Figure]:
    from decisions import idle

    return idle(sizes)


def _imports(sizes: Sizes) -> list[Figure]:
    from importing import imports

    return imports(sizes)


def _render(sizes: Sizes) -> list[Figure]:
    from sending import render

    return render(sizes)


def _smtp(sizes: Sizes) -> list[Figure]:
    from sending import smtp

    return smtp(sizes)


def _pixel(sizes: Sizes) -> list[Figure]:
    from pixel import pixel

    return pixel(sizes)


def _plan(sizes: Sizes) -> list[Figure]:
    from planning import planning

    return planning(sizes)


def _rehearse(sizes: Sizes) -> list[Figure]:
    from rehearsing import rehearsals

    return rehearsals(sizes)


def _saving(sizes: Sizes) -> list[Figure]:
    from saving import saving

    return saving(sizes)


BENCHES: dict[str, Callable[[Sizes], list[Figure]]] = {
    "render": _render, "smtp": _smtp, "pixel": _pixel, "import": _imports, "idle": _idle, "decisions": _decisions,
    "plan": _plan, "rehearse": _rehearse, "saving": _saving,
}  # fmt: skip


def main() -> int:
    """Run what is asked for; the exit code is 1 where a target was missed."""
    args = _arguments()
    if args.one:
        figures = BENCHES[args.one](Sizes.of(args.quick, args.postgres))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"figures": [figure.as_data() for figure in figures], "peak": peak}))
        return 0
    missed = 0
    for name in args.names or BENCHES:
        missed += _run(name, args)
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    parser.add_argument("--postgres", action="store_true", help="decisions and idle on PostgreSQL")
    parser.add_argument("--one", choices=BENCHES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    unknown = set(args.names) - set(BENCHES)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: no such measurement; there are {', '.join(BENCHES)}")
    return args


def _run(name: str, args: argparse.Namespace) -> int:
    command = [sys.executable, str(HERE), "--one", name]
    command += ["--quick"] * args.quick + ["--postgres"] * args.postgres
    print(f"{name} …", file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"{name:<52} failed", flush=True)
        return 1
    told = json.loads(done.stdout.splitlines()[-1])
    figures = [Figure(**figure) for figure in told["figures"]]
    for figure in figures:
        print(figure.line(), flush=True)
    print(f"{name + ': peak memory of its process':<52} {told['peak']:>12,.0f} MB", flush=True)
    return sum(figure.missed for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
