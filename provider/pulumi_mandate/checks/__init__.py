"""What is said about a plan before anybody votes: its tier, its constraints, its checks."""

from .rules import Rules

__all__ = ["Rules"]
