"""Patients and data collection: files become text tables, text tables become typed values, values become a Cohort."""

from cohortstats.cohort import Source
from cohortstats.loaders.load import load_cohort
from cohortstats.loaders.propose import propose_study, template_study, template_table
from cohortstats.loaders.read import read_table
from cohortstats.loaders.table import TextTable

__all__ = ["Source", "TextTable", "load_cohort", "propose_study", "read_table", "template_study", "template_table"]
