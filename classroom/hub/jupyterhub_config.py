"""What JupyterHub needs to serve the series to a class: `jupyterhub -f` this file.

Linked into /opt/tljh/config/jupyterhub_config.d/ it adds the series to The Littlest JupyterHub,
which brings its own log-in, users and proxy; none of them is set here.
"""

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PYTHON = PROJECT / ".venv/bin/python"  # `python tasks.py environment` makes it, for every student

c = get_config()  # noqa: F821 (JupyterHub's)
c.Spawner.cmd = [
    str(PYTHON) if PYTHON.exists() else sys.executable,
    str(PROJECT / "classroom/hub/start.py"),
]
c.Spawner.environment = {"EDITION": os.environ.get("EDITION", "notebooks")}  # or "student"
c.Spawner.default_url = "/lab/tree/my_notebooks/00_start_here.ipynb"
c.Spawner.mem_limit = "5G"
c.Spawner.cpu_limit = 2
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # a class starts all at once
c.JupyterHub.cleanup_servers = False  # students go on while the hub is restarted
