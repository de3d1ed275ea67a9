"""The embedded default: a chain, a KMS and people for one machine. Never for production."""
