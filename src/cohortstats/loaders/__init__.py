"""Patients and data collection: text tables become typed values, and typed values one Cohort."""

from cohortstats.loaders.load import load_cohort
from cohortstats.loaders.propose import propose, template_study, template_table

__all__ = ["load_cohort", "propose", "template_study", "template_table"]
