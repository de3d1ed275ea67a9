"""The broker: it holds the executor's key and the cloud's roles, and gives for mandates only.

A caller is who his certificate says (`svid`), and may do what the broker's own file says
(`settings`). Whether a mandate stands the broker asks the chain itself, by the same functions as
the gate (`judge`). What it gives are signatures under orders and credentials for one run (`aws`,
`kubernetes`), each written down before it leaves (`events`). `service` is the process.

The broker is in the trusted base: who owns it can give what it gives. docs/reference/broker.md
"""
