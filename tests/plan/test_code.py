"""Provider code: named where it can be imported, bound by its bytes where it travels along."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path
from typing import Any

import dill
import pytest

from pulumi_mandate.errors import IncompletePlan
from pulumi_mandate.plan.code import BY_VALUE, SEVERAL, describe
from pulumi_mandate.plan.values import Reader
from pulumi_mandate.resources.broker_identity import BrokerIdentityProvider
from pulumi_mandate.resources.ec2_instance import Ec2InstanceProvider
from pulumi_mandate.resources.edge_bundle import EdgeBundleProvider
from pulumi_mandate.resources.evm_call import EvmCallProvider
from pulumi_mandate.resources.evm_contract import EvmContractProvider
from pulumi_mandate.resources.s3_bucket import S3BucketProvider
from tests.plan.samples import KEY, PREFIX, THING, secret

URN = f"{PREFIX}{THING}::x"
SOURCE = """
class Local:
    def create(self, props):
        return "{answer}"
"""


class Configured:
    def __init__(self, region: str) -> None:
        self.region = region


def encoded(value: object) -> str:
    return base64.b64encode(dill.dumps(value, recurse=True)).decode()


def by_value(filename: str, answer: str) -> str:
    """A provider as a program's `__main__` defines it, compiled from a file of this name."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(SOURCE.format(answer=answer), filename, "exec"), namespace)  # noqa: S102  # our own text
    return encoded(namespace["Local"]())


def test_an_importable_class_is_named() -> None:
    code = describe(encoded(Configured("eu")))

    assert (code.module, code.name) == (__name__, "Configured")


class Hidden:
    """Named first by the class that a reader knows, and then something else."""

    def __init__(self) -> None:
        self.also = pickle.Pickler


class Called:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Configured, ("eu",))


@pytest.mark.parametrize("provider", [Hidden(), Called()])
def test_a_pickle_that_names_more_than_a_class_belongs_to_nobody(provider: object) -> None:
    code = describe(base64.b64encode(pickle.dumps(provider)).decode())

    assert (code.module, code.name) == ("__main__", SEVERAL)


OURS = ("pulumi_mandate.resources.s3_bucket", "S3BucketProvider")


def pushed(text: str) -> bytes:
    return pickle.SHORT_BINUNICODE + bytes([len(text)]) + text.encode()


@pytest.mark.parametrize("put", [b"p0\n", b"q\x00"])
@pytest.mark.parametrize("get", [b"g0\n", b"h\x00"])
def test_a_class_is_not_swapped_by_what_a_pickle_remembers(put: bytes, get: bytes) -> None:
    """Old opcodes write into the same memory as new ones."""
    first, second = ((one, one.replace(b"0", b"1").replace(b"\x00", b"\x01")) for one in (put, get))
    module, name = (pushed(part) + one for part, one in zip(OURS, first, strict=True))
    other = pushed("collections") + b"p0\n" + pushed("OrderedDict") + b"p1\n"
    data = b"\x80\x04" + module + name + other + b"".join(second) + b"\x93)\x81."
    assert pickle.loads(data) == {}  # noqa: S301  # our own bytes: the other class is what is made

    code = describe(base64.b64encode(data).decode())

    assert (code.module, code.name) == ("collections", "OrderedDict")


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04cpulumi_mandate evil\nProvider\n)\x81.",
        b"\x80\x04" + pushed("pulumi_mandate") + pushed("evil Provider") + b"\x93)\x81.",
        b"\x80\x04" + pushed("pulumi_mandate.cli") + pushed("sys.modules") + b"\x93)\x81.",
    ],
    ids=["module with a space", "class with a space", "what a module only imports"],
)
def test_what_is_no_class_of_the_module_itself_belongs_to_nobody(data: bytes) -> None:
    code = describe(base64.b64encode(data).decode())

    assert (code.module, code.name) == ("__main__", SEVERAL)


@pytest.mark.parametrize(
    "provider",
    [S3BucketProvider, Ec2InstanceProvider, EdgeBundleProvider, EvmContractProvider,
     EvmCallProvider, BrokerIdentityProvider],
)  # fmt: skip
def test_our_own_providers_are_each_one_class(provider: type) -> None:
    code = describe(encoded(provider()))

    assert (code.module, code.name) == (provider.__module__, provider.__name__)


def test_the_state_of_the_provider_is_bound() -> None:
    first, second = describe(encoded(Configured("eu"))), describe(encoded(Configured("us")))

    assert first.module == second.module
    assert first.stream != second.stream


def test_a_path_in_the_state_of_a_provider_is_bound_whole() -> None:
    """Only where a code object came from does not matter."""
    streams = [describe(encoded(Configured(f"/{place}/run.py"))).stream for place in ("a", "b")]
    assert streams[0] != streams[1]

    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(SOURCE.format(answer="one"), "/a/__main__.py", "exec"), namespace)  # noqa: S102  # ours
    here, there = namespace["Local"](), namespace["Local"]()
    here.script, there.script = "/good/run.py", "/evil/run.py"
    assert describe(encoded(here)).stream != describe(encoded(there)).stream


def test_code_by_value_is_bound_without_the_path_of_its_file() -> None:
    here = describe(by_value("/people/ana/program/__main__.py", "one"))
    there = describe(by_value("/srv/build/7/__main__.py", "one"))
    other = describe(by_value("/people/ana/program/__main__.py", "two"))

    assert here.name == BY_VALUE
    assert here.stream == there.stream
    assert here.stream != other.stream


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "it ran"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (mark,))

    describe(base64.b64encode(pickle.dumps(Bomb())).decode())

    assert not mark.exists()


@pytest.mark.parametrize(
    "text",
    ["", "no base64!", base64.b64encode(b"junk").decode(),
     base64.b64encode(pickle.dumps(1)).decode(), base64.b64encode(b"\x80\x04\x93.").decode()],
)  # fmt: skip
def test_what_is_no_provider_is_refused(text: str) -> None:
    with pytest.raises(IncompletePlan):
        describe(text)


def test_the_property_becomes_a_marker_with_the_owning_package() -> None:
    pickled = encoded(Configured("eu"))
    reader = Reader(KEY, URN, {"tests": "0x11"})
    program = Reader(KEY, URN, {})

    marker = reader.properties({"__provider": secret(pickled)})["__provider"]

    assert marker["mandate:v1"] == "provider-code"
    assert (marker["module"], marker["package"]) == (__name__, "0x11")
    assert program.properties({"__provider": pickled})["__provider"]["package"] == "program"
    assert pickled not in str(marker)


@pytest.mark.parametrize("folder", ["venv", "node_modules", "__pycache__"])
def test_code_that_no_digest_holds_is_refused(folder: str) -> None:
    pickled = encoded(Configured("eu"))
    module = f"{folder}.x".ljust(len(__name__), "x").encode()
    assert len(module) == len(__name__)
    moved = base64.b64encode(base64.b64decode(pickled).replace(__name__.encode(), module)).decode()

    with pytest.raises(IncompletePlan, match="no digest holds"):
        Reader(KEY, URN, {}).properties({"__provider": moved})
    state = Reader(KEY, URN, {}, deployed=True).properties({"__provider": moved})
    assert state["__provider"]["module"] == module.decode()


def test_the_property_is_an_ordinary_value_elsewhere() -> None:
    reader = Reader(KEY, f"{PREFIX}pulumi-nodejs:dynamic:Resource::x", {})

    assert reader.properties({"__provider": "exports.x = 1"}) == {"__provider": "exports.x = 1"}
