"""The bare framework: what Django and DRF cost with three plain inserts and a plain page, the ceiling of every figure.

Frozen: a change here changes what every earlier ratio meant.
"""
