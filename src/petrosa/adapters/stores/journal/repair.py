"""A write that a crash cut in two is cut off at the next start, kept beside the journal, and spoken of."""

import os
from pathlib import Path

from petrosa.adapters.stores.journal.format import segment_numbers, segment_path
from petrosa.adapters.stores.journal.reader import Head, JournalReader, is_begun
from petrosa.errors import StorageError


def repair_tail(folder: Path, *, last_only: bool = False) -> tuple[Head, str | None]:
    """Where the journal stands after its last whole verified line, and what was repaired, if anything.

    Only bytes after the last line feed are ever cut: no line without one was acknowledged, for a durable record
    returns after the whole line is on disk. They go to `NNNNNN.torn`. A last segment without a whole header is
    set aside entire. With `last_only` nothing before the last begun segment is read: its header is trusted to say what
    came before, as it is where older segments have been pruned. Raises `JournalError` for anything else that does not
    verify, `StorageError` when it cannot write.
    """
    reader = JournalReader(folder, _last_begun(folder) if last_only else 0)
    head = reader.verify()
    if not reader.torn_bytes:
        return head, None
    path = segment_path(folder, reader.segments[-1])
    side = path.with_suffix(".torn")
    whole = path.stat().st_size - reader.torn_bytes
    try:
        with path.open("r+b") as file, side.open("ab") as kept:
            file.seek(whole)
            kept.write(file.read())
            kept.flush()
            os.fsync(kept.fileno())
            file.truncate(whole)
            os.fsync(file.fileno())
        if whole == 0:
            path.unlink()
    except OSError as error:
        raise StorageError(f"cannot repair {path}: {error}; make it writable and start again") from error
    return head, (
        f"{path.name}: the last write was cut short by a crash; {reader.torn_bytes} bytes after the last whole record "
        f"(turn {head.sequence}) were moved to {side.name}"
    )


def _last_begun(folder: Path) -> int:
    return max((number for number in segment_numbers(folder) if is_begun(folder, number)), default=0)
