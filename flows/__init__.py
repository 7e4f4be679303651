"""When, and in what order: the flows, and the command line that starts them.

`backfill` gathers a period, `monitor` what is new; both run the same chain. Flows import the step
modules of `tasks` and its nouns, nothing deeper.
"""
