"""Patients and data collection: text tables become typed values, and typed values one Cohort."""

from cohortstats.loaders.load import load_cohort

__all__ = ["load_cohort"]
