"""How the server says no over HTTP: a status, a word for programs, a sentence for people."""

from __future__ import annotations

from typing import Any

from shoal.errors import Refused


class Declined(Refused):
    """A request that is answered with an error.

    `code` is one word that stays the same, `retry` the seconds for `Retry-After`, `close` ends the connection after the
    answer, `extra` joins the answer's JSON.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry: int | None = None,
        close: bool = False,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.retry, self.close, self.extra = status, code, retry, close, extra or {}

    def content(self) -> dict[str, Any]:
        """The answer's JSON.

        >>> Declined(401, "no_key", "no write key").content()
        {'success': False, 'code': 'no_key', 'message': 'no write key'}
        """
        return {"success": False, "code": self.code, "message": str(self), **self.extra}
