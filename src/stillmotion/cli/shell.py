"""One command from its words to its exit code: errors become one line, bugs keep their traceback."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from importlib import import_module

import typer

from stillmotion.cli.console import say
from stillmotion.errors import StillmotionError

USAGE_ERROR: type[Exception] = typer.BadParameter.__bases__[0]
"""Typer's class of every wrong command line; typer exports only this child of it."""

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
LOG = logging.getLogger("stillmotion")


class _Said(logging.Handler):
    """Log records as lines on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


def execute(name: str, arguments: Sequence[str]) -> int:
    """Run the command ``name`` with ``arguments`` and return the exit code."""
    _quiet()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(import_module(f"stillmotion.cli.{name}").command)
    try:
        status = app(list(arguments), prog_name=f"stillmotion {name}", standalone_mode=False)
    except StillmotionError as error:
        say(f"error: {error}")
        return error.exit_code
    except USAGE_ERROR as error:
        say(f"error: {_usage(error)}; 'stillmotion {name} --help' tells the options")
        return 2
    except typer.Abort:  # a question that nobody answers
        raise KeyboardInterrupt from None
    except OSError as error:
        if error.strerror is None:
            raise
        say(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error.strerror}")
        return 1
    if status == INTERRUPTED:
        raise KeyboardInterrupt
    return status if isinstance(status, int) else 0


def _usage(error: Exception) -> str:
    """Typer's message without its full stop."""
    message: str = error.format_message() if hasattr(error, "format_message") else str(error)
    return (message[:1].lower() + message[1:]).rstrip(".")


def _quiet() -> None:
    """Our warnings are lines for people; libraries' are for us, and $STILLMOTION_DEBUG shows them."""
    if not any(isinstance(handler, _Said) for handler in LOG.handlers):
        LOG.addHandler(_Said())
    if os.environ.get("STILLMOTION_DEBUG"):
        return
    warnings.simplefilter("ignore")
    for library in ("TRANSFORMERS", "DIFFUSERS"):
        os.environ.setdefault(f"{library}_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
