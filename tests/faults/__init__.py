"""Campaigns of faults: ``make faults``. Each tries what its promise says and counts what held.

They take minutes, so the default tests do not run them; ``results.json`` keeps what they found,
and the table of promises in docs/runs.md is made from it.
"""
