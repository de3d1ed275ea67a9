"""What builds and checks this repository. Nothing here is part of the installed package.

- `toolchain`: `make toolchain`, everything that `make demo` and `make test` need
- `checks`: the named steps of `make test`
- `pulumi-languages/language-host`, `run_program`: the stand-in for Pulumi's Python language host
  (ADR 0005)

`toolchain` and what it imports use the standard library alone: they run before anything is
installed.
"""
