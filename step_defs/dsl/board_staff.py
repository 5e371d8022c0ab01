"""Whoever works with the operators' board: those who make pieces, and those who give work out."""

from __future__ import annotations

from functools import cached_property

from step_defs.dsl.desk import BrowserDesk, Desk, HttpDesk
from step_defs.dsl.person import Person


class BoardStaff(Person):
    """Somebody with a place at MES."""

    @cached_property
    def desk(self) -> Desk:
        """Where they work: MES's API or its pages, whichever this run is about."""
        door = self.door
        browser = self.world.backstage.browser
        if browser is None or self.shares_session:
            return HttpDesk(door)
        window = browser.window()
        window.sign_in(email=self.email, password=self.password)
        return BrowserDesk(window)

    def leaves(self) -> None:
        """Ends the connection."""
        if "desk" in self.__dict__:
            self.desk.close()
        super().leaves()
