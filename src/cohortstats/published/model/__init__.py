"""What a paper printed as a 0/1 model of its cohort: solutions, conflicts, ranges of counts, and an evaluator apart."""
