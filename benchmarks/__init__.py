"""Measurements side by side: the pipeline that this series remakes, and ours."""
