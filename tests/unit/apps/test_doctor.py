"""The doctor finds what is wrong, names it, and leaves nothing behind."""

import asyncio
import socket
from pathlib import Path

import pytest

from petrosa.apps import doctor, settings
from petrosa.apps.documents import open_documents


def statuses(found: list[doctor.Finding]) -> dict[str, str]:
    return {finding.name: finding.status for finding in found}


def test_a_sound_place_is_sound(tmp_path: Path) -> None:
    """Nothing is broken, every finding says what was seen, and no file is left."""
    found = doctor.examine([], ["http.port=0", "http.engine_port=0"], str(tmp_path / "data"), {})
    assert not doctor.is_broken(found)
    assert all(finding.detail for finding in found)
    assert [] == list(tmp_path.iterdir())


def test_an_old_python_is_broken() -> None:
    """The version needed is in the message."""
    finding = doctor.python_version((3, 10, 9))
    assert ("broken", "3.10.9 is older than 3.11") == (finding.status, finding.detail)


def test_a_clock_at_the_epoch_is_broken() -> None:
    """A machine that has lost its time would call every signal stale."""
    assert "broken" == doctor.clock(0.0).status


def test_a_place_that_takes_no_file_is_broken(tmp_path: Path) -> None:
    """A data directory below a file cannot be."""
    found = doctor.data_directory(Path("/proc/petrosa"), 1)
    assert ["broken"] == [finding.status for finding in found]
    assert "PETROSA_HOME" in found[0].remedy


def test_too_little_space_is_broken(tmp_path: Path) -> None:
    """With the value, the limit and what to do."""
    finding = {finding.name: finding for finding in doctor.data_directory(tmp_path, 10**12)}["free space"]
    assert "broken" == finding.status
    assert "below the minimum 1,000,000,000,000 MB" in finding.detail
    assert "journal prune" in finding.remedy


def test_a_slow_disk_is_a_note() -> None:
    """It works, slowly."""
    assert ["ok", "note"] == [doctor.sync_cost(cost).status for cost in (1.0, 35.0)]


def test_a_taken_port_is_a_note() -> None:
    """It may be a desk that already runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        loaded = settings.load([], [f"http.port={taken.getsockname()[1]}"], {})
        finding = next(iter(doctor.ports(loaded)))
    assert ("note", "http") == (finding.status, finding.name)
    assert "--port" in finding.remedy


def test_names_of_sister_services_are_told() -> None:
    """Whoever sets them should know that they do nothing here."""
    finding = doctor.unused_names({"BINANCE_API_SECRET": "secret", "NATS_URL": "x"})
    assert ("note", "set, and not used by this version: BINANCE_API_SECRET") == (finding.status, finding.detail)


def test_the_store_is_asked(tmp_path: Path) -> None:
    """A file that is there answers, one that is not is no fault, and one that is no database is broken."""
    home = tmp_path / "data"
    assert "made when it is needed" in doctor.document_store(settings.load([], [], {}, str(home))).detail
    assert not home.exists()
    (tmp_path / "file").write_text("not a database, and long enough to be taken for one" * 40)
    found = doctor.document_store(settings.load([], [f"store.url=sqlite:{tmp_path / 'file'}"], {}))
    assert ("broken", True) == (found.status, "not a database" in found.detail)
    asyncio.run(_put(settings.load([], [], {}, str(home))))
    found = doctor.document_store(settings.load([], [], {}, str(home)))
    assert ("ok", f"{home / 'documents.sqlite'} answers") == (found.status, found.detail)


async def _put(loaded: settings.Settings) -> None:
    documents = await open_documents(loaded)
    await documents.put("c", "k", {})
    await documents.close()


def test_a_store_that_is_away_is_broken() -> None:
    """With host and remedy, and without the password."""
    pytest.importorskip("pymongo")
    environ = {"MONGODB_URI": "mongodb://me:hunter2@127.0.0.1:1", "MONGODB_TIMEOUT_MS": "200"}
    found = doctor.document_store(settings.load([], [], environ))
    assert ("broken", True) == (found.status, "127.0.0.1:1 does not answer" in found.detail)
    assert "MONGODB_URI" in found.remedy
    assert "hunter2" not in str(found)


def test_a_broken_configuration_ends_the_examination(tmp_path: Path) -> None:
    """What depends on settings cannot be looked at without them."""
    found = doctor.examine([], ["feed.sped=1"], str(tmp_path), {})
    assert doctor.is_broken(found)
    assert "broken" == statuses(found)["configuration"]
    assert "data directory" not in statuses(found)
