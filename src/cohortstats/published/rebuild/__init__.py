"""One cohort for which everything printed holds that can hold at once."""
