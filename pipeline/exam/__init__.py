"""What an exam has and what it lacks: quality of each view, the protocol's checklist, gestational age."""
