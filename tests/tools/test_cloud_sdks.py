"""A part of a wheel is what the wheel says, byte for byte, and no more."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tools import cloud_sdks
from tools.steps import StepFailed

FILES = {
    "pulumi_aws/__init__.py": "top",
    "pulumi_aws/_utilities.py": "beside it",
    "pulumi_aws/s3/__init__.py": "s3",
    "pulumi_aws/s3/bucket.py": "bucket",
    "pulumi_aws/ec2/__init__.py": "ec2",
    "pulumi_aws/ec2/instance.py": "instance",
    "pulumi_aws-7.51.1.dist-info/METADATA": "Name: pulumi_aws",
}
RECORD = "pulumi_aws-7.51.1.dist-info/RECORD"


def wheel(folder: Path, files: dict[str, str]) -> Path:
    made = folder / "pulumi_aws-7.51.1-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made


def test_a_part_holds_the_named_modules_and_lists_no_others(tmp_path: Path) -> None:
    record = "".join(f"{name},sha256=x,1\n" for name in FILES) + f"{RECORD},,\n"

    part = cloud_sdks.part_of(wheel(tmp_path, FILES | {RECORD: record}))

    with zipfile.ZipFile(part) as made:
        found = {name: made.read(name).decode() for name in made.namelist()}
    kept = {name: text for name, text in FILES.items() if name != "pulumi_aws/ec2/instance.py"}
    assert part.name == "pulumi_aws-7.51.1-py3-none-any.whl"
    assert found.pop(RECORD) == record.replace("pulumi_aws/ec2/instance.py,sha256=x,1\n", "")
    assert found == kept


@pytest.mark.parametrize("files", [FILES, {RECORD: ""}], ids=["no record", "no modules"])
def test_a_wheel_of_another_shape_is_refused(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(StepFailed, match="not built as it was"):
        cloud_sdks.part_of(wheel(tmp_path, files))


def test_every_sdk_is_locked_by_hash_and_the_parts_are_of_locked_ones() -> None:
    lock = cloud_sdks.LOCK.read_text()

    for name in cloud_sdks.PARTS:
        assert f"{name.replace('_', '-')}==" in lock
    assert "https://" not in lock


def test_the_sdks_are_asked_for_by_hash_and_installed_without_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []

    def download(words: list[object], **_: object) -> None:
        said.append(list(map(str, words)))
        record = "".join(f"{name},sha256=x,1\n" for name in FILES)
        wheel(Path(str(words[-1])), FILES | {RECORD: record})

    monkeypatch.setattr(cloud_sdks, "run", download)
    monkeypatch.setattr(
        cloud_sdks, "pip_install", lambda *words: said.append(list(map(str, words)))
    )
    monkeypatch.setattr(cloud_sdks, "stamp", lambda *_: None)
    monkeypatch.setattr(cloud_sdks, "is_stamped", lambda *_: False)
    (step,) = cloud_sdks.TEST_STEPS
    assert step.ready() is None

    step.make()

    assert {"--require-hashes", "--no-deps"} <= set(said[0])
    assert {"--no-deps", "--no-index"} <= set(said[1])
    assert "/parts/pulumi_aws-" in said[1][-1]
