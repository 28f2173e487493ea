"""What printed numbers force: ranges of statistics, and facts about single patients."""
