"""The small package that the notebooks share; each module is an activity (see CONTRIBUTING.md)."""
