"""Statistical analysis: counts and arrays in, results out; knows no patients and no study.

Everything is a function of a [`CountTable`][cohortstats.stats.counts.CountTable] or of an
[`EventTable`][cohortstats.stats.events.EventTable], wherever the numbers came from.
"""
