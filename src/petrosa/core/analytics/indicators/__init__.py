"""Indicators, one a file: a class that takes a bar at a time at constant cost, and a function over whole columns.

A class says in `warmup` how many updates it needs; the one with that number is the first that gives a value, and those
before give None. Its function has the same name in lower case, takes any sequences of numbers (lists, arrays, NumPy's)
and gives `array('d')` of the same length with NaN before the warm-up. It turns the class, so both are one arithmetic.

A number that is not finite is refused with `ValueError`, and leaves the state as it was: an average that has met one
NaN is NaN for ever. So is a length below 1. Nothing drifts: window sums only add (`windows.py`), recursions forget.
"""
