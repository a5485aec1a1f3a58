"""The two ways to use a page: by mouse, and by keyboard alone (focus only where Tab leads)."""

from __future__ import annotations

from typing import Any, Literal

Way = Literal["mouse", "keyboard"]
MAX_TABS = 400
WAYS: tuple[tuple[str, int, Way], ...] = (("zh", 390, "keyboard"), ("en", 1280, "mouse"))
"""Languages, widths and ways, each at least once."""
CROSSED = (("zh", 1280), ("en", 390))
"""Languages and widths as the ways do not have them."""
OTHER_WAYS: tuple[tuple[str, int, Way], ...] = (("zh", 390, "mouse"), ("en", 1280, "keyboard"))


class Hand:
    """Somebody who uses a page in one way alone."""

    def __init__(self, page: Any, way: Way) -> None:
        self.page, self.way = page, way

    def reach(self, selector: str) -> None:
        """Click an element, or press Tab until it has the focus."""
        if self.way == "mouse":
            self.page.click(selector)
            return
        wanted = self.page.locator(selector).first.element_handle()
        wanted.wait_for_element_state("visible")
        for _ in range(MAX_TABS):
            if wanted.evaluate("(one) => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {selector}")

    def press(self, selector: str, key: str = "Enter") -> None:
        """Press a button, a link or a summary."""
        self.reach(selector)
        if self.way == "keyboard":
            self.page.keyboard.press(key)

    def tick(self, selector: str) -> None:
        """Tick a box, or untick it."""
        self.press(selector, "Space")

    def type(self, selector: str, text: str) -> None:
        """Type into a field, in place of what it has."""
        self.reach(selector)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def choose(self, selector: str, value: str) -> None:
        """Choose one of a list."""
        if (
            self.way == "mouse"
        ):  # The list that drops down is the system's, which no test can click.
            self.page.select_option(selector, value)
            return
        self.reach(selector)
        self.page.keyboard.press("Home")
        for _ in range(self.page.locator(f"{selector} option").count()):
            if self.page.input_value(selector) == value:
                return
            self.page.keyboard.press("ArrowDown")
        assert self.page.input_value(selector) == value

    def open_files(self, selector: str, files: Any) -> None:
        """Choose files in the system's dialog, which the page opens."""
        field = self.page.locator(selector)
        with self.page.expect_file_chooser() as chooser:
            if self.way == "mouse":
                label = field.locator("xpath=ancestor::label")
                (label if label.count() else field).first.click()
            else:
                self.reach(selector)
                self.page.keyboard.press("Space")
        chooser.value.set_files(files)
