"""The exceptions of linregions: each message is one sentence that names the argument, the value and the next step."""


class LinregionsError(Exception):
    """Base class of every exception that linregions raises on purpose."""


class InputError(LinregionsError, ValueError):
    """An argument, a file or a domain cannot be used; the message names it and says what was expected."""


class UnsupportedModelError(InputError):
    """A model has parts that are not piecewise linear or not known; `problems` lists every one of them."""

    def __init__(self, source: str, problems: list[str]):
        self.problems = list(problems)
        count = len(self.problems)
        noun = "node" if count == 1 else "nodes"
        super().__init__(f"{source}: {count} unsupported {noun}: " + "; ".join(self.problems))


class MissingExtraError(LinregionsError, ImportError):
    """An optional dependency is not installed; the message carries the pip line that installs it."""


class OutputError(LinregionsError, OSError):
    """A run folder could not be written; what it held before is still there."""
