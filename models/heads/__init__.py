"""Embeddings in; scores, ages, masks out."""
