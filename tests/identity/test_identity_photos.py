"""Every file a person might give is read upright or refused in one line that names it."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stillmotion.errors import InputError
from stillmotion.identity import load_image
from stillmotion.identity.photos import LONGEST_SIDE, load_photo


def corners(width: int = 80, height: int = 60) -> Image.Image:
    """Red top left, green top right, blue below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2, 0] = 255
    picture[: height // 2, width // 2 :, 1] = 255
    picture[height // 2 :, :, 2] = 255
    return Image.fromarray(picture)


def refused(path: Path | str, *words: str) -> str:
    with pytest.raises(InputError) as caught:
        load_image(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_content_decides_and_not_the_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture.txt"
    corners().save(path, format=kind)
    pixels = load_image(path)
    assert pixels.shape == (60, 80, 3)
    assert pixels.dtype == np.uint8
    assert pixels[10, 10, 0] > 200
    assert pixels[10, 10, 1] < 60


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_come_out_upright(tmp_path: Path, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = corners().transpose(undo[orientation]) if orientation in undo else corners()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    stored.save(path, exif=exif)
    np.testing.assert_array_equal(load_image(path), np.asarray(corners()))


def test_modes_become_rgb(tmp_path: Path) -> None:
    grey = corners().convert("L")
    grey.save(tmp_path / "grey.png")
    corners().convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    corners().quantize(8).save(tmp_path / "palette.png")
    Image.fromarray(np.full((60, 80), 40_000, np.uint16)).save(tmp_path / "deep.png")
    see_through = corners().convert("RGBA")
    see_through.putalpha(0)
    see_through.save(tmp_path / "alpha.png")
    assert (load_image(tmp_path / "grey.png")[..., 0] == np.asarray(grey)).all()
    assert load_image(tmp_path / "cmyk.jpg")[10, 10, 0] > 180
    assert load_image(tmp_path / "palette.png")[10, 10].tolist() == [255, 0, 0]
    assert abs(int(load_image(tmp_path / "deep.png")[0, 0, 0]) - 40_000 // 257) <= 1
    assert (load_image(tmp_path / "alpha.png") == 127).all()


def test_of_an_animation_the_first_frame_is_taken_and_said(tmp_path: Path) -> None:
    path = tmp_path / "moving.webp"
    corners().save(path, save_all=True, append_images=[corners().rotate(180)], lossless=True)
    photo = load_photo(path)
    assert photo.pixels[10, 10].tolist() == [255, 0, 0]
    assert "moving.webp" in photo.notes[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_photos_are_shrunk_to_the_bound(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "large"
    corners(3000, 1500).save(path, format=kind)
    pixels = load_image(path)
    assert pixels.shape == (LONGEST_SIDE // 2, LONGEST_SIDE, 3)
    assert pixels[50, 50, 0] > 200


def test_too_many_megapixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    )
    refused(path, "bomb.png", "32 megapixels")
    path.write_bytes(path.read_bytes().replace(header[:8], struct.pack(">II", 8000, 4001)))
    refused(path, "bomb.png")


def test_files_that_are_no_photos_are_refused_by_name(tmp_path: Path) -> None:
    whole = io.BytesIO()
    corners(400, 300).save(whole, format="PNG")
    jpeg = io.BytesIO()
    corners(400, 300).save(jpeg, format="JPEG")
    contents = {
        "empty.png": b"",
        "cut.png": whole.getvalue()[:600],
        "cut.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "text.jpg": b"hello, this is no picture",
        "photo.heic": b"\0\0\0\x18ftypheic\0\0\0\0",
        "anim.gif": b"GIF89a" + b"\0" * 50,
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, name)
    assert "HEIC" in refused(tmp_path / "photo.heic")
    assert "GIF" in refused(tmp_path / "anim.gif")
    corners(20, 200).save(tmp_path / "thin.png")
    refused(tmp_path / "thin.png", "thin.png", "20x200")


def test_paths_that_lead_to_no_file_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.png", "nowhere.png", "no such file")
    refused(tmp_path, "folder")
    refused("https://example.org/a.png", "address")
    refused(Path("https://example.org/a.png"), "address")
    refused("data:image/png;base64,AAAA", "address")
    refused("a\0b.png")
    refused("x" * 5000 + ".png")
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "regular")


def test_damaged_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "mutant"
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = io.BytesIO()
        corners().save(buffer, format=kind, exif=exif)
        for _ in range(60):
            data = np.frombuffer(buffer.getvalue(), np.uint8).copy()
            places = rng.integers(0, len(data), rng.integers(1, 12))
            data[places] = rng.integers(0, 256, len(places))
            path.write_bytes(data.tobytes()[: rng.integers(len(data) // 2, len(data) + 1)])
            try:
                pixels = load_image(path)
            except InputError as error:
                assert "mutant" in str(error)
                assert "\n" not in str(error)
            else:
                assert pixels.ndim == 3
                assert max(pixels.shape) <= LONGEST_SIDE
