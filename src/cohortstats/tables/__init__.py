"""How numbers and words are written: one rounding, one ``Table`` value, one catalogue a language, several writers."""
