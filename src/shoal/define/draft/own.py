"""Phrases in the workspace's own words: shares, values of texts, yes-or-no columns, segments, events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from shoal.define.draft import answer
from shoal.define.draft.answer import Answer, Cannot, Found, Other, Quantity, Window
from shoal.define.draft.patterns import AMOUNT, NUMBER, comparison, number
from shoal.define.draft.topics import TIMES
from shoal.define.draft.unit import PEOPLE, Pattern, Phrases, Unit
from shoal.define.draft.vocabulary import any_of, lookup
from shoal.define.words import quoted

MOSTLY = r"mostly|mainly|usually|primarily|predominantly|prefer(?:s|red)?(?: to)?|often|favou?r"
_ONLY = "only|exclusively|always"
_ABOUT = r"(?:(?:on|in|from|with|using|use|by|via|at|of|the|a|an|their|has|have|having|who|paying|pay|is|are|our) )*"
_ENDING = re.compile(r"(?:ed|d|s|ing)$")


class Own(Phrases):
    """Phrases in the workspace's own words."""

    def patterns(self) -> Iterator[Pattern]:
        """Regular expressions over plain words, each with what makes a phrase of a match."""
        own, v, items = self.own, self.verb, self.item
        when = f"(?P<time>{'|'.join(TIMES.values())})"
        how = rf"(?:(?:(?P<mostly>{MOSTLY})|(?P<only>{_ONLY})) )?"
        yield rf"{_ABOUT}(?P<flag>{any_of(own.flags)}){PEOPLE}", self._flag
        yield rf"(?:{v} )?{how}(?:(?:at|on|in|during|by|over) )?(?:the )?{when}", self._when
        again = v.replace("verb", "verb2")
        end = r"(?: (?:products?|items?|goods|category|department|articles?))?(?P<fans> (?:lovers?|fans?|fanatics?))?"
        by = r"(?:(?P<by>via|by|on|through|with|using) )?(?:(?:from|in|of|for|the|our) )*"
        yield rf"(?:{v} )?{how}(?:{again} )?{by}{items}{end}", self._item
        part = rf"(?:(?P<pre>at least|more than|over|less than|under|at most) )?(?P<num>{NUMBER}) (?P<pct>%)(?: of)?"
        where = r"(?: (?:is|are|in|from|at|on|via|by|during|through|the))*"
        yield rf"{part}(?: (?:their|the))?(?: {self.noun})?{where}(?: {items}| {when})", self._portion
        left = r"(?:with )?(?:abandoned|left|forgotten) (?:their |a |the )?(?:carts?|baskets?)"
        yield rf"{left}|carts? abandon(?:ers?|ed|ment)", self._abandoned
        label = f"(?P<label>{any_of(own.texts)})"
        named = rf"(?:{label} (?:is |are |= |: )?(?P<isnot>not )?)?"
        after = label.replace("label", "label2")
        yield rf"{_ABOUT}{named}(?P<level>{any_of(own.levels)})(?: {after})?{PEOPLE}", self._level
        yield rf"(?P<event>{self._event_words()})", self._event
        yield rf"(?P<barred>{any_of(own.barred)})(?: (?:{AMOUNT}|(?:is |= )?[a-z]+))?", self._barred
        yield rf"(?:(?:in|from|by|with) )?(?P<else>{any_of(own.elsewhere)})(?: (?:is |= )[a-z]+)?", self._elsewhere

    def _when(self, found: re.Match[str]) -> Unit:
        name = next(name for name, pattern in TIMES.items() if re.fullmatch(pattern, found["time"]))
        return self._share(name, "only" if found["only"] else "mostly", what=f"what people do in the {found['time']}")

    def _item(self, found: re.Match[str]) -> Unit | None:
        name = lookup(found["item"], self.own.items)
        if name is None:
            return None
        part = found.groupdict()
        how = "only" if part["only"] else "mostly" if part["mostly"] or part["fans"] or part["by"] else "some"
        return self._share(name, how)

    def _share(self, name: str, how: str, what: str = "") -> Unit:
        column = self.known.has(name)

        def make(_: Window | None, never: bool) -> Found:
            if column is None:
                return Cannot(f"nothing tells {what or name}: the times have no clock, or there are no events")
            said, some = quoted(name), Answer(f"{quoted(name)} > 0", "at least once")
            if never and how == "some":
                return Answer(f"{said} = 0", f"{column.label}: none")
            if how == "some":
                return replace(some, others=(Other(f"{said} >= 0.5", "at least half of what they do"),))
            if how == "only":
                return self.turned(Answer(f"{said} = 1", f"{column.label}: all"), never)
            other = (Other(f"{said} > 0", "at least once"),)
            if column.marks and column.at(95) < 0.5:
                made = answer.vague(column, 80, "how much (few reach a half)")
                return self.turned(replace(made, others=other) if isinstance(made, Answer) else made, never)
            return self.turned(Answer(f"{said} >= 0.5", f"{column.label}: at least a half", others=other), never)

        return self.unit(make)

    def _portion(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        name = (
            lookup(part["item"], self.own.items)
            if part.get("item")
            else next((name for name, pattern in TIMES.items() if re.fullmatch(pattern, part["time"])), None)
        )
        column = self.known.columns.get(name or "")
        if column is None:
            return None
        asked = Quantity(comparison(part["pre"] or None) or ">=", number(part["num"]), percent=True)
        return self.unit(lambda _, never: self.turned(answer.compared(column, asked), never))

    def _abandoned(self, _: re.Match[str]) -> Unit:
        def make(window: Window | None, never: bool) -> Found:
            del window
            carts, orders = self.known.has("carts_30d", "carts"), self.known.has("orders_30d", "orders")
            if carts is None or orders is None:
                return Cannot("the data have no events of carts (`cart` under `events:`)")
            rule = f"{quoted(carts.name)} >= 1 and {quoted(orders.name)} = 0"
            return self.turned(Answer(rule, f"some {carts.label}, no {orders.label}"), never)

        return self.unit(make)

    def _level(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        said = part["level"]
        columns = lookup(said, self.own.levels)
        if not columns:
            return None
        label = part.get("label") or part.get("label2")
        wanted = lookup(label, self.own.texts) if label else None
        name, value = next((pair for pair in columns if pair[0] == wanted), columns[0])
        if wanted and name != wanted:
            return None
        others = tuple(
            Other(f"{quoted(other)} = '{_escaped(same)}'", f"by {self.known.columns[other].label}")
            for other, same in columns
            if other != name and not wanted
        )
        rule, denied = f"{quoted(name)} = '{_escaped(value)}'", bool(part["isnot"])
        made = Answer(rule, f"'{value}' is a value of {self.known.columns[name].label}", others=others)
        return Unit(
            0,
            lambda _, never: self.turned(made, never),
            level=(name, value),
            values=(value,),
            denied=denied,
        )

    def _flag(self, found: re.Match[str]) -> Unit | None:
        said = found["flag"]
        flag = lookup(said, self.own.flags)
        if flag is None:
            return None
        name, yes, no = flag
        label = self.known.columns[name].label
        return self.unit(
            lambda _, never: Answer(no if never else yes, f"{label} is recorded as {'no' if never else 'yes'}")
        )

    def _event_words(self) -> str:
        """Events by their words in either order: `Report Exported` is exported a report."""
        found = []
        for said in self.own.events:
            parts = [re.escape(re.sub(r"(?:ed|s)$", "", part)) + r"(?:ed|d|s|ing)?" for part in said.split()]
            found.append(" ".join(parts))
            if len(parts) == 2:
                found.append(rf"{parts[1]} (?:a |an |the |their |any )*{parts[0]}")
        return "|".join(sorted(found, key=len, reverse=True)) or "(?!)"

    def _event(self, found: re.Match[str]) -> Unit:
        said = {
            tuple(sorted(re.sub(r"(?:ed|d|s|ing)$", "", part) for part in words.split())): name
            for words, name in self.own.events.items()
        }
        parts = tuple(
            sorted(
                re.sub(r"(?:ed|d|s|ing)$", "", part)
                for part in found["event"].split()
                if part not in ("a", "an", "the", "their", "any")
            )
        )
        event = said.get(parts, found["event"])
        feature = f"{re.sub(r'[^a-z0-9]+', '_', event.lower()).strip('_')}_90d"
        line = f"put `{feature}: {{count: events, of: {event}, within: 90d}}` under `features:` in shoal.yaml and run"
        why = f"no feature counts the event '{event}'; {line}"
        return self.unit(lambda *_: Cannot(why), timed=True)

    def _barred(self, found: re.Match[str]) -> Unit:
        why = f"{self.own.barred.get(found['barred'], found['barred'])} is a protected trait, and no rule reads those"
        return self.unit(lambda *_: Cannot(why))

    def _elsewhere(self, found: re.Match[str]) -> Unit:
        said = found["else"]
        name = lookup(said, self.own.elsewhere) or said
        value = "" if said in (name, name.replace("_", " ")) else f"'{said}' is a value of {name}. "
        line = f"put `{name}: {{last: {name}}}` under `features:` in shoal.yaml and run"
        return self.unit(lambda *_: Cannot(f"{value}Rules cannot read {name}, which comes with events; {line}"))


class Named(Phrases):
    """Segments by their names; words that mean something on their own mean that first."""

    def patterns(self) -> Iterator[Pattern]:
        """Regular expressions over plain words, each with what makes a phrase of a match."""
        name = f"(?P<segment>{any_of(self.own.segments, plural=False)})"
        yield rf"(?:(?:in|of) )?(?:the )?segments? {name}", self._segment
        yield rf"(?:the )?{name}", self._segment

    def _segment(self, found: re.Match[str]) -> Unit | None:
        name = lookup(found["segment"], self.own.segments)
        if name is None:
            return None
        made = Answer(f"({self.known.segments[name]})", f"the rule of the segment '{name}' as of the last run")
        return self.unit(lambda _, never: self.turned(made, never))


def _escaped(text: str) -> str:
    return text.replace("'", "''")
