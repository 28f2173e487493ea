"""The protocol of a study, read from ``study.toml`` into frozen values.

What is analysed is declared here and nowhere else: tables, columns, derived variables, endpoints, exhibits,
conventions. Nothing is guessed; an unknown key is an error with the nearest spelling and its line.
"""

from cohortstats.study.protocol import Study, parse_cutoff
from cohortstats.study.sections import (
    EXHIBITS,
    AnyRow,
    Association,
    BinaryEndpoint,
    Characteristics,
    Check,
    Column,
    ColumnType,
    DataTable,
    Derived,
    Endpoint,
    Exhibit,
    Listing,
    Measurements,
    Privacy,
    ReportOptions,
    Response,
    StudySection,
    TimeToEvent,
    TimeToEventEndpoint,
    VariableRow,
    section_of,
)

__all__ = [
    "EXHIBITS",
    "AnyRow",
    "Association",
    "BinaryEndpoint",
    "Characteristics",
    "Check",
    "Column",
    "ColumnType",
    "DataTable",
    "Derived",
    "Endpoint",
    "Exhibit",
    "Listing",
    "Measurements",
    "Privacy",
    "ReportOptions",
    "Response",
    "Study",
    "StudySection",
    "TimeToEvent",
    "TimeToEventEndpoint",
    "VariableRow",
    "parse_cutoff",
    "section_of",
]
