"""What exists only in print: audit of printed numbers, cohorts rebuilt from them, bounds, curves, trials.

A printed number is a string with an address (:mod:`cohortstats.printed`). ``audit`` asks whether the strings can be
right, ``rebuild`` shows one cohort for which they all are, ``bounds`` what they force, ``curve`` turns a printed curve
into patients, and ``trials`` pools printed hazard ratios.
"""
