"""The command line: parse, call the pipeline, print. Nothing is decided here that Python users would miss.

This file knows the commands' names and imports only what the chosen one needs: ``stillmotion --help``
answers in the time that the interpreter takes to start. Exit codes: 0 done, 1 the work failed, 2 the
input was wrong, 130 interrupted. Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMMANDS = {
    "generate": "a photo and a sentence become a video",
    "plan": "split a prompt into what is seen and what happens",
    "still": "make only the first frame, with its candidates",
    "animate": "make only the motion, from a first frame of yours",
    "evaluate": "measure finished videos: identity, text, motion, quality",
    "compare": "two evaluations of the same items, paired: which is better, and how surely",
    "batch": "make every video of a data set, and a manifest",
    "show": "print how a video was made: the record inside it",
    "presets": "list the presets: models, licences, memory",
    "download": "fetch the weights of a preset",
    "doctor": "say what runs on this machine, and what is missing",
}
EXAMPLE = 'stillmotion generate --face anna.png --prompt "She waves on a beach" -o anna.mp4'


def main() -> None:
    """Entry point of the ``stillmotion`` script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    first = arguments[0] if arguments else ""
    if first in ("", "-h", "--help"):
        print(overview(), file=sys.stdout if first else sys.stderr)
        return 0 if first else 2
    if first in ("-V", "--version"):
        from stillmotion import __version__

        print(f"stillmotion {__version__}")
        return 0
    if first not in COMMANDS:
        print(f"error: {_unknown(first)}", file=sys.stderr)
        return 2
    try:
        from stillmotion.cli.shell import execute

        return execute(first, arguments[1:])
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130


def overview() -> str:
    """The help page: every command in a line."""
    lines = [f"  {name:<10} {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        (
            "Usage: stillmotion COMMAND [OPTIONS]",
            "",
            "A photo of a person and a sentence become a video of that person.",
            "",
            "Commands ('stillmotion COMMAND --help' tells the options):",
            *lines,
            "",
            "Options: --help, --version",
            "",
            f"Example: {EXAMPLE}",
        )
    )


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(COMMANDS)}"
    return f"'{ascii(name)[1:-1]}' is no command; {hint}"
