"""Azure Key Vault by its official client: what it refuses, against a stand-in of the service."""

from __future__ import annotations

import sys

import pytest

from pulumi_mandate.errors import SignerError, UsageError
from pulumi_mandate.models import Digest
from pulumi_mandate.signing import UNPROVEN, _azurekeyvault, enrol, open_signer
from pulumi_mandate.signing._azurekeyvault import AzureKeyVaultBackend
from pulumi_mandate.signing._uri import parse_key_uri
from tests.plugins.azure_key_vault import AzureKeyVault

VERSION = "ab" * 16
REFUSALS = {
    403: "may not use the key",
    404: "No such key",
    409: "being deleted",
    429: "Too many requests",
    500: "Nothing was signed",
}


@pytest.mark.parametrize(("status", "words"), REFUSALS.items())
def test_a_refusal_says_what_to_do_and_repeats_nothing(
    vault: AzureKeyVault,
    status: int,
    words: str,
    digest: Digest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_azurekeyvault, "RETRIES", 0)
    uri, address = enrol(vault.new_key("refused"))
    signer = open_signer(uri, address)
    vault.faults[uri.split("/", 4)[4]] = status

    with pytest.raises(SignerError) as caught:
        signer.sign(digest)

    told = caught.value.diagnostics()
    assert words in told
    assert "SECRET" not in told
    assert digest.hex() not in told
    assert caught.value.__suppress_context__


def test_a_vault_that_is_not_there_is_an_error_and_not_a_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_azurekeyvault, "RETRIES", 0)

    with pytest.raises(SignerError, match="ServiceRequestError"):
        enrol(f"azurekeyvault:///127.0.0.1:9/k/{VERSION}")


def test_a_key_of_another_curve_is_refused(vault: AzureKeyVault) -> None:
    vault.curve = "P-256"

    with pytest.raises(SignerError, match="not a secp256k1"):
        enrol(vault.new_key("nist"))


def test_a_cut_signature_is_refused(vault: AzureKeyVault, digest: Digest) -> None:
    signer = open_signer(*enrol(vault.new_key("cut")))
    vault.cut = 63

    with pytest.raises(SignerError, match="no signature"):
        signer.sign(digest)


@pytest.mark.parametrize(
    "uri",
    [
        "azurekeyvault:///",
        f"azurekeyvault:///vault.example/k/{VERSION}",
        f"azurekeyvault:///myvault.vault.azure.net.example/k/{VERSION}",
        "azurekeyvault:///myvault.vault.azure.net/k",
        "azurekeyvault:///myvault.vault.azure.net/k/latest",
        f"azurekeyvault:///myvault.vault.azure.net/k/{VERSION}?region=x",
        f"azurekeyvault:///10.0.0.1:443/k/{VERSION}",
        f"azurekeyvault://myvault.vault.azure.net/k/{VERSION}",
    ],
)
def test_a_strange_uri_is_refused(uri: str) -> None:
    with pytest.raises(UsageError):
        enrol(uri)


def test_it_counts_as_unproven_and_on_the_loopback_as_development() -> None:
    def development(host: str) -> bool:
        uri = parse_key_uri(f"azurekeyvault:///{host}/k/{VERSION}")
        return AzureKeyVaultBackend.from_uri(uri).development_only

    assert "azurekeyvault" in UNPROVEN
    assert not development("myvault.vault.azure.net")
    assert not development("myvault.managedhsm.azure.net")
    assert development("127.0.0.1:8443")


def test_a_real_vault_gets_the_machines_own_credential() -> None:
    from azure.identity import DefaultAzureCredential

    assert isinstance(_azurekeyvault._credential(), DefaultAzureCredential)


def test_without_its_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "azure.keyvault.keys", None)

    with pytest.raises(SignerError) as caught:
        enrol(f"azurekeyvault:///127.0.0.1:9/k/{VERSION}")
    assert "pulumi-mandate[azurekeyvault]" in caught.value.next_step
