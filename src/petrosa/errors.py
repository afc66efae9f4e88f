"""Every exception that Petrosa raises on purpose, cut by what the caller can do about it.

PetrosaError
├── ConfigError         fix the configuration and start again (exit code 4)
├── UsageError          fix the command line (exit code 2)
├── NotRunningError     a service that is needed does not answer; start it (exit code 3)
├── DataError           the input is not what it should be
│   ├── FrameError      one frame: count it, name it, go on with the next
│   ├── RecordingError  a whole recording: choose another
│   └── JournalError    a journal cannot be read or verified
├── StorageError        a disk or a store refuses: halt entries, keep stops, tell the operator
├── TransportError      a connection is away: reconnect and go on
│   ├── NotSent         nothing of a request has left: it may be sent again
│   └── OutcomeUnknown  a request may have been acted on: ask what became of it, never send it again blindly
├── VenueError          a venue said no
│   ├── VenueRefused    to this request, for good: `code` says why
│   ├── RateLimited     to everything for now, and nothing was done: wait `retry_after_s`
│   └── VenueClosed     to us: key, signature, address or permission; only a person can mend it
├── AccessError         a request may not do what it asks
│   ├── Unauthenticated no key, or none that is valid: present another
│   ├── Forbidden       a valid key without the scope, or a request from a foreign page: use what is allowed
│   └── LimitExceeded   too many writes: wait `retry_after_s`
├── VersionConflict      a document changed since it was read: read again, decide anew
├── LeaseLost           another process may have the account or subject: send nothing, start again to wait
├── OverflowHalt        something that may never be dropped would have been: halt
└── InvariantError      our own mistake: stop, keep the journal, report it
"""

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_NOT_RUNNING, EXIT_CONFIG, EXIT_TIMEOUT = range(6)


class PetrosaError(Exception):
    """Root of the tree; `exit_code` is what the command returns when nobody caught it."""

    exit_code = EXIT_ERROR


class ConfigError(PetrosaError):
    """The configuration is wrong: the message names the key, the value, the limit and the remedy."""

    exit_code = EXIT_CONFIG


class UsageError(PetrosaError):
    """The command line is wrong."""

    exit_code = EXIT_USAGE


class NotRunningError(PetrosaError):
    """Something that should be running does not answer."""

    exit_code = EXIT_NOT_RUNNING


class DataError(PetrosaError):
    """Input from outside is not what it should be."""


class FrameError(DataError):
    """One frame cannot be used. `reason` is a short stable word that is counted; the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason


class RecordingError(DataError):
    """A recording cannot be read at all."""


class JournalError(DataError):
    """A journal is missing, torn, altered or of an unknown schema."""


class StorageError(PetrosaError):
    """A disk or store does not take what must be kept."""


class TransportError(PetrosaError):
    """A connection is away; the owner reconnects."""


class NotSent(TransportError):
    """The venue cannot have heard of the request."""


class OutcomeUnknown(TransportError):
    """The request left, or may have left, and there is no answer that says what was done."""


class VenueError(PetrosaError):
    """A venue said no, and nothing was done."""


class VenueRefused(VenueError):
    """A definite no. `code` is the venue's own number, 0 where it gave none."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.said = message


class RateLimited(VenueError):
    """Too much was asked; nothing more is heard for `retry_after_s` seconds. `is_ban` when it is for having gone on."""

    def __init__(self, message: str, retry_after_s: float, *, is_ban: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.is_ban = is_ban


class VenueClosed(VenueError):
    """The venue does not deal with us: a wrong key, one that may do too little or too much, or our address."""


class LeaseLost(PetrosaError):
    """The right to send for an account, or to publish on a subject, has gone to another process, or may have."""


class OverflowHalt(PetrosaError):
    """A fill or a command would have been dropped."""


class AccessError(PetrosaError):
    """A request may not do what it asks. No message of this family ever holds a key's secret."""


class Unauthenticated(AccessError):
    """There is no key where one is needed, or it is unknown, wrong, expired or revoked."""


class Forbidden(AccessError):
    """Who asks is known or of no matter; what is asked is not allowed to them."""


class LimitExceeded(AccessError):
    """An actor writes too often; the next write is allowed in `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VersionConflict(PetrosaError):
    """A document changed since it was read: read it again and decide anew."""


class InvariantError(PetrosaError):
    """Something that cannot be true is true."""
