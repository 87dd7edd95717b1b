"""A package of its own: one of the same name is installed with a library (spylls)."""
