"""Writers of a ``Table``: HTML, Markdown, CSV and plain text. They do no arithmetic and print the same strings."""
