"""The embedded default: a chain, a KMS and people for one machine. Nothing here is for production."""
