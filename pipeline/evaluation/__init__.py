"""How good and how fast: exams on phantoms, contests of filters, benchmarks, and their figures as tables."""
