"""What anybody can check afterwards, from the chain and the stored bytes alone.

| file | what it answers |
|---|---|
| `proposal` | does this proposal approve exactly the document I read? (pure) |
| `emergency` | did the council approve exactly this plan, for the incident it names? (pure) |
| `trace` | from a resource to the votes, the order, the transactions and the receipt (pure) |
| `roles` | does anybody hold a role that the wiring does not name? (pure, but for `check_roles`) |
| `calldata` | what a transaction to the registry said, read from its bytes (pure) |
| `collect` | fetching what the two above are given |

The pure parts get evidence and return a list of links; each link says what was compared, and
whether it holds. They never fetch, so that the same checks work on evidence from an archive.
"""
