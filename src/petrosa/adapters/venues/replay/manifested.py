"""Reading a recording that has a manifest: nothing of it may be missing, and nothing may have changed."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from petrosa.adapters.stores.recording.manifest import NAME, Gap, Manifest, read_manifest
from petrosa.adapters.wire.times import iso_z
from petrosa.errors import RecordingError


class Manifested(NamedTuple):
    """A folder of segments, and what stands in its manifest."""

    folder: Path
    manifest: Manifest

    def is_open(self, path: Path) -> bool:
        """Whether this segment is being written, or was when its recorder died."""
        return path.name == self.manifest.open_segment

    def check(self, digests: Mapping[str, str]) -> None:
        """Compare with the SHA-256 of its files, by name. Raises `RecordingError`."""
        for segment in self.manifest.segments:
            found = digests.get(segment.name)
            if found != segment.sha256:
                what = "is missing" if found is None else f"has digest {found[:12]}…, not {segment.sha256[:12]}…"
                raise RecordingError(
                    f"recording {self.folder}: segment {segment.name} {what}; restore it, or remove {NAME} to use what"
                    " is there without it"
                )

    def remarks(self) -> list[tuple[str, str]]:
        """(reason, message) for what is missing and the frames do not show by themselves."""
        manifest = self.manifest
        said = [
            ("recorded_gap", f"{self.folder.name}: {gap.stream} {_between(gap)}: {gap.why}")
            for gap in manifest.gaps
            if gap.kind == "trades"
        ]
        if manifest.open_segment and (self.folder / manifest.open_segment).exists():
            text = f"{manifest.open_segment} was not closed: it is being written, or its recorder died"
            said.append(("open_segment", f"{self.folder.name}: {text}; what is whole of it is used"))
        return said


def _between(gap: Gap) -> str:
    if gap.first or gap.last:
        return f"{gap.first} to {gap.last} were lost"
    return f"may have had trades between {iso_z(gap.at_ns)} and {iso_z(gap.until_ns)} that were lost"


def manifested(folder: Path) -> Manifested | None:
    """None for a folder without a manifest. Raises `RecordingError` for one that cannot be read."""
    manifest = read_manifest(folder)
    return None if manifest is None else Manifested(folder, manifest)
