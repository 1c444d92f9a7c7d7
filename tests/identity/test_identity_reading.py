"""From photos to an identity: whose face, which noun, what the user is told; and back from the disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from known_faces import KnownAnalyzer, make_face
from PIL import Image

from stillmotion.errors import CheckpointError, InputError, NoFaceError
from stillmotion.identity import load, read, save
from stillmotion.identity.reading import quality
from stillmotion.identity.types import Identity


def test_one_face_becomes_one_portrait(photo: Path) -> None:
    identity = read([photo], KnownAnalyzer([make_face(gender="woman")]))
    assert identity.subject == "A woman"
    assert identity.notes[1:] == ()
    portrait = identity.portraits[0]
    assert portrait.image.shape == (100, 120, 3)
    assert portrait.matte.shape == (100, 120)
    assert portrait.cutout()[0, 0].tolist() == [127, 127, 127]


def test_the_largest_of_several_faces_is_taken_and_said(photo: Path) -> None:
    large, small = make_face(height=60), make_face(at=(20, 20), height=20)
    identity = read([photo], KnownAnalyzer([large, small]))
    assert identity.portraits[0].face is large
    assert identity.notes == (f"2 faces in {photo}: the largest was taken",)


def test_a_photo_without_a_face_is_named(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(NoFaceError, match=r"photo\.png: no face"):
        read([photo], KnownAnalyzer([]))
    blank = tmp_path / "blank.png"
    Image.new("RGB", (64, 64), "white").save(blank)
    with pytest.raises(NoFaceError, match=r"blank\.png: the picture is blank"):
        read([blank], KnownAnalyzer([]))


def test_no_photo_and_too_many_photos_are_refused(photo: Path) -> None:
    with pytest.raises(InputError, match="--face"):
        read([], KnownAnalyzer())
    with pytest.raises(InputError, match="too many"):
        read([photo] * 17, KnownAnalyzer())


def test_photos_of_different_people_are_noticed(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    one, two = make_face(embedding=np.eye(512)[0]), make_face(embedding=np.eye(512)[1])
    strangers = read([photo, other], KnownAnalyzer([one], [two]))
    assert any("different people" in note and "0.00" in note for note in strangers.notes)
    alike = read([photo, other], KnownAnalyzer([one], [one]))
    assert not any("different" in note for note in alike.notes)


def test_the_same_photo_twice_counts_once(photo: Path) -> None:
    identity = read([photo, photo], KnownAnalyzer([make_face()]))
    assert len(identity.portraits) == 1
    assert any("more than once" in note for note in identity.notes)


def test_a_small_face_is_pointed_out(photo: Path) -> None:
    assert any("only" in note for note in read([photo], KnownAnalyzer([make_face(height=20)])).notes)
    assert read([photo], KnownAnalyzer([make_face(height=60)])).notes == ()


@pytest.mark.parametrize(
    ("genders", "subject"),
    [
        (("man",), "A man"),
        (("man", None), "A man"),
        ((None,), "A person"),
        (("man", "woman"), "A person"),
    ],
)
def test_the_noun_follows_what_is_sure(tmp_path: Path, genders, subject: str) -> None:
    paths = []
    for number in range(len(genders)):
        path = tmp_path / f"{number}.png"
        Image.effect_noise((80, 80), 90).save(path)
        paths.append(path)
    answers = [[make_face(gender=gender)] for gender in genders]
    assert read(paths, KnownAnalyzer(*answers)).subject == subject


def test_the_best_photo_comes_first(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    small, large = make_face(height=30), make_face(height=70)
    identity = read([photo, other], KnownAnalyzer([small], [large]))
    assert identity.portraits[0].face is large
    turned = make_face(height=70)
    turned.five[2, 0] += 0.3 * 70
    assert quality(turned) < quality(large)


def test_an_identity_survives_the_disk(identity: Identity, tmp_path: Path) -> None:
    folder = tmp_path / "identity"
    save(identity, folder)
    save(identity, folder)
    back = load(folder)
    assert (back.subject, back.notes) == (identity.subject, identity.notes)
    for one, other in zip(identity.portraits, back.portraits, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.matte, other.matte)
        for name in ("box", "five", "landmarks", "embedding"):
            np.testing.assert_array_equal(getattr(one.face, name), getattr(other.face, name))
        assert (one.face.gender, one.face.age, one.source) == (
            other.face.gender,
            other.face.age,
            other.source,
        )
    assert {p.suffix for p in folder.iterdir()} == {".png", ".json", ".safetensors"}


@pytest.mark.parametrize("damage", ["json", "photo", "tensors", "shape"])
def test_a_damaged_identity_is_refused(identity: Identity, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "identity"
    save(identity, folder)
    if damage == "json":
        (folder / "identity.json").write_text("{")
    elif damage == "photo":
        (folder / "photo_1.png").unlink()
    elif damage == "tensors":
        (folder / "faces.safetensors").write_bytes(b"\0" * 100)
    else:
        Image.new("L", (3, 3)).save(folder / "matte_0.png")
    with pytest.raises(CheckpointError, match=str(folder)):
        load(folder)


def test_saved_words_are_plain_json(identity: Identity, tmp_path: Path) -> None:
    save(identity, tmp_path / "identity")
    said = json.loads((tmp_path / "identity" / "identity.json").read_text())
    assert said["subject"] == "A woman"
    assert [row["gender"] for row in said["portraits"]] == [None, "woman"]
