"""Curves: from a picture to patients.

A digitised Kaplan-Meier curve and the numbers at risk under it become one row a patient, with what had to be mended,
how well the rows give the picture back, and what else the picture allows.
"""
