"""Four-chamber clips to a suspicion of congenital heart disease, and the sets that teach and judge its heads."""
