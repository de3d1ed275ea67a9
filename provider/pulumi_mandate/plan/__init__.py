"""From what the engine says to 32 bytes that people can vote on. No network, no clock, no chance.

| file | what it answers |
|---|---|
| `canonical` | which bytes are *the* bytes of a value |
| `commitment`, `markers` | how secrets, unknowns and assets appear in them |
| `raw`, `build` | how the engine's three sources become one document |
| `document` | what a document is, and when it is refused |
| `merkle` | how one operation is proved to belong to a plan |
| `compare`, `render` | what differs, and how people read it |
| `program`, `toolchain` | what would run, by file and by package (these two read the disk) |
"""
