"""The gate: an update runs when, and only when, its mandate is there. Everything else refuses.

| file | what it answers |
|---|---|
| `govern` | the one line of a program |
| `outer`, `ancestor`, `environment` | what was typed, by whom, and in which environment |
| `engine`, `ahead`, `packages` | asking the engine, and what is asked before anybody needs it |
| `prepare`, `preview`, `proposal` | what the program wants, as a document; opening a vote on it |
| `evidence`, `facts`, `search` | what is known about each mandate that may be meant |
| `verify` | whether the mandate fits (pure; the numbered order of a run) |
| `run`, `folder` | spending the mandate; what a crash leaves behind |
| `engine_hooks`, `wire`, `operations`, `journal` | each operation, before the provider is called |
| `state`, `closing`, `watcher` | what really happened, and saying so on chain |
"""
