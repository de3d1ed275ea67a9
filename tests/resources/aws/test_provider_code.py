"""`__provider`: the same bytes on every machine, no secret, and nothing but names in it."""

from __future__ import annotations

import base64
import pickletools
import shutil
import subprocess
import sys
from pathlib import Path

import pulumi_mandate

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import pulumi_mandate
assert pulumi_mandate.__file__.startswith(sys.argv[1]), pulumi_mandate.__file__
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_mandate.resources.s3_bucket import S3BucketProvider
from pulumi_mandate.resources.ec2_instance import Ec2InstanceProvider
print(serialize_provider(S3BucketProvider()), serialize_provider(Ec2InstanceProvider()))
"""


def serialised(folder: Path, seed: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_code_is_the_same_in_two_checkouts_and_no_secret(tmp_path: Path) -> None:
    package = Path(pulumi_mandate.__file__).parent
    for name in ("one", "another/place"):
        shutil.copytree(package, tmp_path / name / "pulumi_mandate")

    one = serialised(tmp_path / "one", "1")
    other = serialised(tmp_path / "another" / "place", "2")

    assert one == other
    for text in one:
        data = base64.b64decode(text)
        assert len(data) < 300  # by reference: no code in it
        operations = {operation.name for operation, _, _ in pickletools.genops(data)}
        assert "BUILD" not in operations  # and no state
        assert str(tmp_path).encode() not in data


def test_it_is_not_marked_secret() -> None:
    from pulumi_mandate.resources.ec2_instance import Ec2InstanceProvider
    from pulumi_mandate.resources.s3_bucket import S3BucketProvider

    for provider in (S3BucketProvider(), Ec2InstanceProvider()):
        assert provider.serialize_as_secret_always is False
        assert vars(provider) == {}
