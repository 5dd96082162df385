"""`shoal serve --json` with stand-ins in place of the application, the live worker and the run."""

from __future__ import annotations

import sys
from pathlib import Path

from shoal import settings
from shoal.cli.output import speaking
from shoal.cli.serve import started
from shoal.server.serve import Modules, Options, serve


def main() -> None:
    folder, host, port, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    live = ["live"] if (folder / "live.json").exists() else []
    job = (sys.executable, "-m", "standin_job", str(folder))
    modules = Modules("standin_http", "standin_live", live_names=live, job=job, check_definitions=settings.load)
    with speaking(as_json=True):
        options = Options(host, port, workers, "json", "info")
        sys.exit(serve(folder, options, lambda told: started(told, folder, as_json=True), modules))


if __name__ == "__main__":
    main()
