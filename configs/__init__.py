"""YAML presets and prompts that ship with the package, and nothing else."""
