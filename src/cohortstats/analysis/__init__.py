"""One module for each kind of exhibit: a cohort and a section of the study file -> an ``Analysis``."""
