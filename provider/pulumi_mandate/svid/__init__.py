"""Who speaks: SPIFFE ids in short-lived certificates, and mutual TLS between our own parts.

* `SpiffeId` names a part; `peer_of` reads it out of a certificate under the rules of an X.509-SVID.
* `server_context` and `client_context` are TLS 1.3 with a certificate on both sides, nothing less.
* `BrokerCaller` asks the broker, and believes nobody else in its place.
"""

from .caller import BrokerAt, BrokerCaller, client_path, read_client
from .identity import SpiffeId, peer_of
from .tls import Files, client_context, server_context

__all__ = [
    "BrokerAt",
    "BrokerCaller",
    "Files",
    "SpiffeId",
    "client_context",
    "client_path",
    "peer_of",
    "read_client",
    "server_context",
]
