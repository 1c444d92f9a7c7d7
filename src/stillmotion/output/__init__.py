"""The one place where a file leaves the house: checked before any work, encoded, marked, whole or absent.

    check_target            is this a name that may be written?            (target)
    write                   the clip as an MP4                             (video)
    write_stills            the first frame and its candidates as PNGs     (picture)
    Record, read_record     what a file says about how it was made         (record)

Every file says that it is AI-generated and carries the record of its making.
"""

from typing import TYPE_CHECKING

from stillmotion.output.record import ClipFacts, Photo, Record, Result, StillFacts, read_record
from stillmotion.output.target import check_target

if TYPE_CHECKING:
    from stillmotion.output.picture import still_targets, write_stills
    from stillmotion.output.video import write

__all__ = [
    "ClipFacts",
    "Photo",
    "Record",
    "Result",
    "StillFacts",
    "check_target",
    "read_record",
    "still_targets",
    "write",
    "write_stills",
]


def __getattr__(name: str) -> object:
    """The encoders need PyAV and Pillow: imported when the first file is written (PEP 562)."""
    if name == "write":
        from stillmotion.output import video

        return video.write
    if name in ("still_targets", "write_stills"):
        from stillmotion.output import picture

        return getattr(picture, name)
    raise AttributeError(f"module 'stillmotion.output' has no attribute '{name}'")
