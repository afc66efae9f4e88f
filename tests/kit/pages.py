"""A page of the documentation, typed in as it stands: commands of `petrosa`, and requests with what they promise."""

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.kit.ending import ends_with_its_test
from tests.kit.source import ROOT, SRC

PETROSA = '#!/bin/sh\nexec "{python}" -c "from petrosa.apps.main import main; main()" "$@"\n'


class Page:
    """The `sh` blocks of a page. A request ends with `# STATUS`; a line `DESK=…` is where the page's desk is."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        blocks = re.findall(r"```sh\n(.*?)```", self.text, re.DOTALL)
        self.lines = [line for block in blocks for line in block.splitlines() if not line.startswith("DESK=")]

    @property
    def promised(self) -> list[str]:
        """The status of each request, as the page says it."""
        return [line.rpartition("# ")[2] for line in self.lines if line.startswith("curl")]

    async def typed(self, folder: Path, home: Path, desk: str) -> list[str]:
        """The status of each request, as it was; every command must succeed."""
        program = folder / "bin" / "petrosa"
        program.parent.mkdir()
        program.write_text(PETROSA.format(python=sys.executable), encoding="utf-8")
        program.chmod(0o755)
        only_status = "curl -s -o /dev/null -w '%{http_code}\\\\n' "
        script = "set -e\n" + "\n".join(re.sub(r"^curl ", only_status, line) for line in self.lines)
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "PYTHONPATH": str(SRC), "PETROSA_HOME": str(home), "DESK": desk}
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ
        )
        out, err = await asyncio.wait_for(ends_with_its_test(process).communicate(), 120.0)
        assert 0 == process.returncode, err.decode()
        return re.findall(r"^[0-9]{3}$", out.decode(), re.MULTILINE)
