"""Files and queries become tables of text cells, and a text a number or a date; nothing is guessed.

Every reader gives one :class:`~cohortstats.files.table.TextTable`, whatever the file: text in any encoding, a workbook,
SAS, SPSS, Parquet, a database.
"""

from cohortstats.files.read import read_table, scan_table
from cohortstats.files.table import TextTable

__all__ = ["TextTable", "read_table", "scan_table"]
