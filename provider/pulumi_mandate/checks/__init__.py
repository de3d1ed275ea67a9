"""What is said about a plan before anybody votes: the tier it needs, and later the validators."""

from .rules import Rule, Rules

__all__ = ["Rule", "Rules"]
