"""What the values of a column look like: numbers, times and their format, e-mails, phones, text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

MISSING = frozenset({"", "null", "nan", "none", "na", "n/a", "\\n", "#n/a", "(not set)", "nat", "<na>"})
LOOKED_AT = 1_500  # distinct values whose form is examined

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$")
WHOLE = re.compile(r"[+-]?\d+(\.0+)?$")
COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$")
MONEY = re.compile(r"[+-]?\s?[$€£¥]?\s?[+-]?(\d{1,3}([,' ]\d{3})+|\d+)([.,]\d{1,2})?\s?([$€£¥]|EUR|USD|GBP)?$")
EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}$")
PHONE = re.compile(r"(\+|00)?[\d\s()./-]{7,20}(\s?(x|ext\.?)\s?\d+)?$")
URL = re.compile(r"(https?://|/)\S*$")
UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$")
FLAGS = frozenset(
    {"0", "1", "0.0", "1.0", "yes", "no", "y", "n", "true", "false", "t", "f", "ja", "nein", "oui", "non", "si"}
)
MONTHS = r"[A-Za-z]{3,9}\.?"
DATES = (
    (re.compile(r"\d{4}-\d{1,2}-\d{1,2}"), "%Y-%m-%d"),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{4}\.\d{1,2}\.\d{1,2}"), "%Y.%m.%d"),
    (re.compile(r"\d{1,2}(?P<s>[./-])\d{1,2}(?P=s)\d{4}"), "two four"),
    (re.compile(r"\d{1,2}(?P<s>[./-])\d{1,2}(?P=s)\d{2}(?!\d)"), "two two"),
    (re.compile(rf"\d{{1,2}}[ -]{MONTHS}[ -]\d{{4}}"), "named"),
    (re.compile(rf"\d{{1,2}}[ -]{MONTHS}[ -]\d{{2}}(?!\d)"), "named"),
    (re.compile(rf"{MONTHS} \d{{1,2}},? \d{{4}}"), "named"),
    (re.compile(r"(19|20)\d{2}(0[1-9]|1[0-2])([0-2]\d|3[01])(?!\d)"), "%Y%m%d"),
)
CLOCKS = (
    (re.compile(r"\d{1,2}:\d{2}:\d{2}[.,]\d+"), "%H:%M:%S.%f"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2} ?[AaPp][Mm]"), "%I:%M:%S %p"),
    (re.compile(r"\d{1,2}:\d{2} ?[AaPp][Mm]"), "%I:%M %p"),
    (re.compile(r"\d{1,2}:\d{2}:\d{2}"), "%H:%M:%S"),
    (re.compile(r"\d{1,2}:\d{2}"), "%H:%M"),
    (re.compile(r"\d{1,2}\.\d{2}\.\d{2}"), "%H.%M.%S"),
    (re.compile(r"\d{1,2}\.\d{2}"), "%H.%M"),
)
ZONE = re.compile(r" ?(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$")


@dataclass(frozen=True)
class TimeForm:
    """How a column writes instants: a strptime format, or None where it is ISO 8601."""

    format: str | None
    clock: bool = False
    zone: bool = False
    ambiguous: bool = False
    share: float = 1.0


@dataclass(frozen=True)
class Column:
    """A column of a sample, values as text, missing ones as empty text."""

    name: str
    values: Sequence[str]
    native: str = ""

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each value is met, missing ones left out."""
        counted = Counter(self.values)
        for value in [value for value in counted if value.strip().lower() in MISSING]:
            del counted[value]
        return counted

    @cached_property
    def some(self) -> list[str]:
        """Distinct values to examine, blanks at the ends taken off."""
        picked = list(self.counts)
        step = max(1, len(picked) // LOOKED_AT)
        return [value.strip() for value in picked[::step][:LOOKED_AT]]

    @cached_property
    def filled(self) -> float:
        """Share of rows with a value."""
        return self.counts.total() / len(self.values) if self.values else 0.0

    @property
    def distinct(self) -> int:
        """Number of different values."""
        return len(self.counts)

    @cached_property
    def unique(self) -> float:
        """Distinct values per filled row: 1 is a key."""
        return self.distinct / self.counts.total() if self.counts else 0.0

    def share(self, pattern: re.Pattern[str]) -> float:
        """Share of the examined values that have the form."""
        return sum(1 for value in self.some if pattern.match(value)) / len(self.some) if self.some else 0.0

    @cached_property
    def numeric(self) -> bool:
        """Whether nearly all values are numbers, in either decimal mark."""
        return self.share(NUMBER) >= 0.97 or self.comma

    @cached_property
    def comma(self) -> bool:
        """Whether numbers are written with a decimal comma."""
        with_comma = self.share(COMMA)
        return with_comma > 0.1 and with_comma + self.share(NUMBER) >= 0.97

    @cached_property
    def money(self) -> bool:
        """Whether values are amounts with a currency sign or thousands marks, which need cleaning."""
        return not self.numeric and self.share(MONEY) >= 0.97

    @cached_property
    def whole(self) -> bool:
        """Whether nearly all values are whole numbers."""
        return self.share(WHOLE) >= 0.97

    @cached_property
    def flag(self) -> bool:
        """Whether the column only says yes or no."""
        return 0 < self.distinct <= 3 and all(value.lower() in FLAGS for value in self.some)

    @cached_property
    def email(self) -> bool:
        """Whether values are e-mail addresses."""
        return self.share(EMAIL) >= 0.8

    @cached_property
    def phone(self) -> bool:
        """Whether values could be telephone numbers."""
        return self.share(PHONE) >= 0.8 and self.time is None

    @cached_property
    def length(self) -> float:
        """Mean length of the examined values."""
        return sum(map(len, self.some)) / len(self.some) if self.some else 0.0

    @cached_property
    def numbers(self) -> list[float | None]:
        """The values as numbers, row by row, None where there is none."""
        cache = {raw: number(raw, comma=self.comma) for raw in self.counts}
        return [cache.get(raw) for raw in self.values]

    @cached_property
    def negative(self) -> float:
        """Share of the filled rows with a number below zero."""
        known = [value for value in self.numbers if value is not None]
        return sum(1 for value in known if value < 0) / len(known) if known else 0.0

    @cached_property
    def time(self) -> TimeForm | None:
        """How instants are written here, None when values are something else."""
        if self.native in ("time", "date"):
            return TimeForm(None, clock=self.native == "time")
        return time_form(self.some)

    def unix(self) -> str | None:
        """Whether whole numbers could be seconds, milliseconds or microseconds since 1970."""
        if not self.whole or self.distinct < 2:
            return None
        digits = Counter(len(value.split(".")[0]) for value in self.some).most_common(1)[0][0]
        form = {9: "unix", 10: "unix", 13: "unix_ms", 16: "unix_us"}.get(digits)
        scale = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000}
        plausible = form and all(7e8 < float(value) / scale[form] < 2.2e9 for value in self.some[:200])
        return form if plausible else None


def number(text: str, *, comma: bool = False) -> float | None:
    """A number in plain or German writing, None for anything else.

    >>> number("17850.0"), number("1.234,50", comma=True), number("n/a")
    (17850.0, 1234.5, None)
    """
    text = text.strip()
    if comma:
        text = text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return None


def time_form(values: Sequence[str]) -> TimeForm | None:
    """The commonest format of values of which at least four fifths are instants; its share says how common.

    >>> time_form(["31.12.2020 08:15", "01.02.2020 23:59"])
    TimeForm(format='%d.%m.%Y %H:%M', clock=True, zone=False, ambiguous=False, share=1.0)
    >>> time_form(["2020-01-02 10:11:12"]).format is None
    True
    """
    looked = [value for value in values[:400] if 6 <= len(value) <= 40]
    if not looked or len(looked) < 0.8 * min(len(values), 400):
        return None
    forms = Counter(_skeleton(value) for value in looked)
    forms.pop(None, None)
    if not forms:
        return None
    (skeleton, found), *_ = forms.most_common(1)
    if skeleton is None or forms.total() < 0.8 * len(looked):
        return None
    return _form(skeleton, [value for value in looked if _skeleton(value) == skeleton], found / len(looked))


Skeleton = tuple[str, str, str, str, str]


def _skeleton(value: str) -> Skeleton | None:
    """Date form, separator, clock form, zone form and the date's mark of one value."""
    for pattern, form in DATES:
        hit = pattern.match(value)
        if not hit:
            continue
        mark = next((char for char in hit.group() if not char.isalnum()), "")
        if form == "named":
            form = _named(hit.group()) or ""
        if not form:
            continue
        rest = _clock(value[hit.end() :])
        if rest is not None:
            return (form, rest[0], rest[1], rest[2], mark)
    return None


def _named(text: str) -> str | None:
    for form in ("%d %b %Y", "%d-%b-%Y", "%d %b %y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%b %d %Y"):
        try:
            datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        return form
    return None


def _clock(rest: str) -> tuple[str, str, str] | None:
    """Separator, clock form and zone form of what follows a date; None when it is something else."""
    if not rest:
        return ("", "", "")
    separator = re.match(r"T|,? +", rest)
    if not separator:
        return ("", "", "%z") if ZONE.fullmatch(rest) else None
    after = rest[separator.end() :]
    for pattern, form in CLOCKS:
        hit = pattern.match(after)
        if hit:
            tail = after[hit.end() :]
            if form.endswith("%p") and " " not in hit.group():
                form = form.replace(" %p", "%p")
            if not tail:
                return (separator.group(), form, "")
            if ZONE.fullmatch(tail):
                return (separator.group(), form, " %z" if tail.startswith(" ") else "%z")
            return None
    return (separator.group().rstrip(), "", " %z") if ZONE.fullmatch(" " + after) else None


def _form(skeleton: Skeleton, ours: list[str], share: float) -> TimeForm:
    date, separator, clock, zone, mark = skeleton
    ambiguous = False
    if date.startswith("two"):
        year = "%Y" if date.endswith("four") else "%y"
        day_first, ambiguous = _day_first(ours, mark)
        date = mark.join(["%d", "%m", year] if day_first else ["%m", "%d", year])
    iso = date == "%Y-%m-%d" and clock in ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
    odd_zone = iso and zone == " %z" and not any(value.endswith(("UTC", "Z")) for value in ours[:20])
    text = None if iso and not odd_zone else f"{date}{separator}{clock}{zone}"
    return TimeForm(text, clock=bool(clock), zone=bool(zone), ambiguous=ambiguous, share=round(share, 4))


def _day_first(values: Iterable[str], mark: str) -> tuple[bool, bool]:
    """Whether the day stands first, and whether that had to be guessed from the mark alone."""
    pairs = {tuple(map(int, re.split(r"\D", value)[:2])) for value in values}
    if any(first > 12 for first, _ in pairs):
        return True, False
    if any(second > 12 for _, second in pairs):
        return False, False
    return mark != "/", True
