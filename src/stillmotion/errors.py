"""The one tree of errors. A class says who has to act; its message says how.

    StillmotionError            the work failed                              exit 1
    ├── OutOfMemoryError        the device is too small for the request      exit 1
    └── InputError              something the user gave is wrong             exit 2
        ├── NoFaceError         a photo without a usable face                exit 2
        ├── CheckpointError     a damaged or foreign checkpoint              exit 2
        ├── MissingWeightsError weights that are not on this machine         exit 2
        └── MissingExtraError   a Python package that is not installed       exit 2

A message is one line, names the file or the field, and ends with the way out. Everything else that is raised
is a bug of ours and keeps its traceback.
"""


class StillmotionError(Exception):
    """Base of every error that a user may meet; ``exit_code`` is what the command line returns."""

    exit_code = 1


class OutOfMemoryError(StillmotionError):
    """The device ran out of memory; the message names a smaller setting."""


class InputError(StillmotionError):
    """The user's input is wrong: the message names the file or field and what to do instead."""

    exit_code = 2


class NoFaceError(InputError):
    """No face was found in a photo that needs one."""


class CheckpointError(InputError):
    """A checkpoint file is damaged, incomplete or of another format; the message names the file."""


class MissingWeightsError(InputError):
    """Weights are not on this machine; the message holds the command that fetches them."""


class MissingExtraError(InputError):
    """An optional Python package is missing, or cannot be imported for want of what is below it.

    The message holds the command that installs it, or the reason: OpenCV's wheel wants the system's libGL.
    """

    def __init__(self, package: str, extra: str, purpose: str, fault: ImportError) -> None:
        if isinstance(fault, ModuleNotFoundError):
            way_out = f"pip install 'stillmotion[{extra}]'"
        else:
            way_out = f"it cannot be imported ({fault}); on Debian and Ubuntu apt install libgl1 libglib2.0-0"
        super().__init__(f"{purpose} needs the package '{package}': {way_out}")
