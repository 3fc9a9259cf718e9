"""The exceptions that cross songdesk's own boundaries."""


class SongdeskError(Exception):
    """Something a person can mend: what happened, where, and what to do about it."""

    def __init__(self, what: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" → {self.hint}" if self.hint else ""
        return f"{place}{self.what}{mend}"

    @property
    def place_last(self) -> str:
        """The same with the place at the end, for where there is little room: what happened goes before."""
        return str(SongdeskError(self.what, hint=self.hint)) + (f" · {self.where}" if self.where else "")


class Cancelled(Exception):
    """The person abandoned the run; nothing it was writing is kept under its final name."""


class Paused(Cancelled):
    """The run was put down: it goes on later from what its folder holds."""
