"""How fast the hot paths are, one file each, measured against references that stand still.

`python -m benchmarks.run` (or `make bench`, or `petrosa bench`) prints JSON. Ratios between interleaved rounds are the
figures that mean something on a shared machine; absolute ones are reported with the calibration of the same run.
"""
