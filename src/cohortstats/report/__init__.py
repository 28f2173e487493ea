"""From a cohort to a folder of results: plan, methods paragraph, ledger, manifest, page."""
