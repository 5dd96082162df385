"""Phrases on what people do: how often, how much, since when, no more, less than before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from shoal.define.draft import answer, people
from shoal.define.draft.answer import Answer, Cannot, Found, Window
from shoal.define.draft.known import Measure, Spoken
from shoal.define.draft.patterns import (
    AGO,
    AMOUNT,
    COMPARED,
    COMPARISON,
    NUMBER,
    UNIT,
    WINDOW,
    comparison,
    days,
    number,
    quantity,
)
from shoal.define.draft.topics import NOUNS, TOPICS, Topic
from shoal.define.draft.unit import PEOPLE, Pattern, Phrases, Unit
from shoal.define.draft.vocabulary import lookup
from shoal.define.words import number_text, quoted

MUCH = r"high|higher|highest|large|larger|big|many|lots of|a lot of|heavy|much|frequent|long|strong|numerous|good"
LITTLE = r"low|lower|lowest|small|smaller|few|little|short|rare|hardly any|poor"
OFTEN = r"a lot|much|often|frequently|heavily|regularly|a great deal|many times"
SELDOM = r"little|rarely|seldom|hardly(?: ever)?|occasionally|infrequently|not much"
LESS = (
    r"less(?: often| frequently)?|fewer|declining|decreasing|falling|dropping(?: off)?|shrinking|slowing(?: down)?"
    r"|slowed down|declined|decreased|dropped|fell|down"
)
MORE = r"more(?: often| frequently)?|growing|increasing|rising|on the rise|grew|increased|rose|up|picked up|speeding up"
_LATELY = r"declining|slowing(?: down)?|decreasing|shrinking|dropping off"
_UPWARDS = r"growing|rising|on the rise|increasing"
THAN = r"(?: than (?:before|they used to|previously|last (?:month|quarter|year)|in the past|usual|ever))?"
STOP = r"(?:have |has |had )?(?:stopped|quit|ceased|gave up|given up|no longer|stop|not any more)"
START = r"(?:have |has )?(?:started|began|begun|newly)"
_CAME = r"first (?:seen|order|purchase|bought|visit)|signed up|sign ups?|joined|registered|created|subscribed"
_ENDS = r"(?P<end>top|best|highest|bottom|lowest|worst)"
_OR = "|".join(COMPARED.values())


class Doings(Phrases):
    """Phrases on what people do."""

    def patterns(self) -> Iterator[Pattern]:
        """Regular expressions over plain words, each with what makes a phrase of a match."""
        n, v = self.noun, self.verb
        both, w = f"(?:{n}|{v})", f"(?:{WINDOW})?"
        people_of = "|".join(sorted(NOUNS))
        size = rf"(?P<num>{NUMBER})(?P<pct> %)?"
        by = rf"(?: (?:by|in|on|of|for|with) (?:the |their )?{n})?"
        yield rf"{_ENDS}(?: (?:spending|spenders))? {size}(?: of)?(?: (?:the|our|all))*{PEOPLE}{by}", self._rank
        yield rf"{_ENDS} {n} {size}", self._rank
        yield rf"(?:{v} )?{AMOUNT} (?:different )?{n}{w}", self._counted
        yield rf"{v} {AMOUNT}(?: times?)?{w}", self._counted
        yield rf"{n} {COMPARISON}(?: (?P<tunit>{UNIT}))?{w}", self._compared
        yield rf"{n}{WINDOW} {COMPARISON}", self._compared
        yield rf"{AMOUNT} times{w}", self._counted
        last = rf"(?:the |their )?(?:last|latest|most recent) (?:{both}|seen|order|activity)"
        yield rf"{last} {AGO}", self._last
        yield rf"{last}{WINDOW}", self._last
        yield rf"(?:{both}|seen) {AGO}", self._last
        yield rf"(?:{_CAME})(?: {AGO}|{WINDOW})?", self._joined
        since = rf"(?: (?P<wpre>{_OR}))? (?P<wnum2>{NUMBER}|an?) (?P<wunit2>{UNIT})"
        yield rf"(?:been )?(?:{people_of})(?: with us)? (?:for|since){since}", self._standing
        yield r"long(?: time| standing| term)|longtime|long standing|old", self._old
        yield rf"{both}{WINDOW}", self._done
        yield both, self._done
        yield rf"(?:(?P<much>{MUCH})|(?P<little>{LITTLE})|(?P<mean>above average|below average)) {n}{w}", self._vague
        yield rf"{v} (?:(?P<much>{OFTEN})|(?P<little>{SELDOM})){w}", self._vague
        yield rf"(?:(?P<much>often|frequently|regularly|heavily)|(?P<little>{SELDOM})) {v}{w}", self._vague
        yield rf"{STOP} {both}{w}", self._stopped
        yield rf"(?:{both}) (?:no longer|not any more)", self._stopped
        yield rf"{START} {both}{w}", self._started
        less = rf"(?:(?P<less>{LESS})|(?P<more>{MORE}))"
        yield rf"{both} (?:(?:is|are|has|have|been) )*{less}{THAN}{w}", self._changed
        yield rf"{less} (?:in )?{both}{THAN}{w}", self._changed
        yield rf"(?:(?P<less>{_LATELY})|(?P<more>{_UPWARDS})){THAN}{w}", self._changed

    def _measure(self, found: re.Match[str]) -> tuple[Measure | None, Topic | None]:
        """What a noun or verb counts, and its topic."""
        part = found.groupdict()
        noun, verb = part.get("noun"), part.get("verb")
        if noun:
            key = lookup(noun, self.own.numbers)
            if key:
                return self.known.measures[key], None
        for topic in TOPICS.values():
            if (noun and re.fullmatch(topic.nouns, noun)) or (verb and topic.verbs and re.fullmatch(topic.verbs, verb)):
                return answer.measure_of(topic, self.known), topic
        return None, None

    def _of(self, found: re.Match[str], give: Callable[[Measure, Window | None, bool], Found]) -> Unit:
        """A phrase about a measure; where the data have none, the nearest topic is answered in its place."""
        measure, topic = self._measure(found)
        known = self.known

        def make(window: Window | None, never: bool) -> Found:
            if measure is not None:
                return give(measure, window, never)
            near = None
            seen = set()
            other = topic
            while other is not None and other.near and other.near not in seen:
                seen.add(other.near)
                other = answer.topic_of(other.near, known)
                stand_in = answer.measure_of(other, known)
                if stand_in is not None:
                    near = give(stand_in, window, never)
                    break
            return answer.missing(topic, near) if topic else Cannot("nothing in the data is called so")

        return self.unit(make, self.window(found), timed=True)

    def _rank(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        measure, topic = self._measure(found) if part.get("noun") else (None, None)
        column = measure.first if measure else None if topic else people.money(self.known)
        end = "top" if part["end"] in ("top", "best", "highest") else "bottom"
        amount = number(part["num"])
        percent = bool(part["pct"])
        if amount <= 0 or (percent and amount > 100) or (not percent and amount != int(amount)):
            return None

        def make(_: Window | None, never: bool) -> Found:
            spoken = column or self.known.has("events", "active_days")
            if spoken is None:
                return Cannot(f"the data have no {topic.needs if topic else 'money or activity'} to rank by")
            size = f"{number_text(amount)}%" if percent else number_text(amount)
            made = Answer(
                f"{quoted(spoken.name)} {'not ' * never}in {end} {size}", f"by {spoken.label}, ranked anew by every run"
            )
            return made if column is not None else Cannot("the data have no money", made)

        return self.unit(make)

    def _counted(self, found: re.Match[str]) -> Unit | None:
        asked = quantity(found)
        part = found.groupdict()
        if not part.get("noun") and not part.get("verb"):
            measure = answer.measure_of(answer.topic_of("main", self.known), self.known)
            if measure is None:
                return None
            return self.unit(
                lambda window, never: self.turned(answer.counted(measure, asked, window, self.known), never),
                self.window(found),
                timed=True,
            )
        return self._of(
            found, lambda measure, window, never: self.turned(answer.counted(measure, asked, window, self.known), never)
        )

    def _compared(self, found: re.Match[str]) -> Unit | None:
        asked = quantity(found, time=True)
        if not asked.op and asked.high is None and found["noun"] in ("views", "visits"):
            return None
        return self._of(
            found, lambda measure, window, never: self.turned(answer.counted(measure, asked, window, self.known), never)
        )

    def _last(self, found: re.Match[str]) -> Unit | None:
        """The last time, so long ago."""
        part = found.groupdict()
        recency = self.known.has("recency_days")
        if part.get("aunit"):
            span = days(part["anum"], part["aunit"])
            op = comparison(part["apre"]) or ">="
        else:
            window = self.window(found)
            if window is None:
                return None
            span, op = window.days, "<="

        def make(_: Window | None, never: bool) -> Found:
            if recency is None:
                return Cannot("nothing tells when people did something last")
            return self.turned(Answer(f"recency_days {op} {number_text(span)}", f"{recency.label}, as asked"), never)

        return self.unit(make)

    def _joined(self, found: re.Match[str]) -> Unit:
        part = found.groupdict()
        ago = part.get("aunit")
        window = self.window(found)

        def make(given: Window | None, never: bool) -> Found:
            tenure = self.known.has("tenure_days")
            if tenure is None:
                return Cannot("nothing tells when people came")
            if ago:
                op = comparison(part["apre"]) or ">="
                made = Answer(f"tenure_days {op} {number_text(days(part['anum'], ago))}", f"{tenure.label}, as asked")
            elif given or window:
                made = Answer(f"tenure_days <= {number_text((given or window).days)}", f"{tenure.label}, as asked")  # type: ignore[union-attr]
            else:
                made = Answer("true", "everybody has come at some time")
            return self.turned(made, never)

        return self.unit(make, window, timed=True)

    def _standing(self, found: re.Match[str]) -> Unit:
        part = found.groupdict()
        span = days(part["wnum2"], part["wunit2"])
        op = comparison(part["wpre"]) or ">="

        def make(_: Window | None, never: bool) -> Found:
            tenure = self.known.has("tenure_days")
            if tenure is None:
                return Cannot("nothing tells since when people are customers")
            return self.turned(Answer(f"tenure_days {op} {number_text(span)}", f"{tenure.label}, as asked"), never)

        return self.unit(make)

    def _old(self, _: re.Match[str]) -> Unit:
        def make(window: Window | None, never: bool) -> Found:
            del window
            tenure = self.known.has("tenure_days", "tenure")
            if tenure is None:
                return Cannot("nothing tells since when people are customers")
            return self.turned(answer.vague(tenure, 80, "how long"), never)

        return self.unit(make)

    def _done(self, found: re.Match[str]) -> Unit:
        return self._of(found, lambda measure, window, never: answer.done(measure, window, self.known, never=never))

    def _vague(self, found: re.Match[str]) -> Unit:
        part = found.groupdict()

        def give(measure: Measure, window: Window | None, never: bool) -> Found:
            column, note, exact = answer.column_for(measure, window, self.known)
            if part.get("mean"):
                made: Found = self._mean(column, above=part["mean"].startswith("above"))
            else:
                made = answer.vague(column, 80 if part.get("much") else -20)
            if note and isinstance(made, Answer):
                made = replace(made, why=f"{made.why}; {note}", exact=exact)
            return self.turned(made, never)

        return self._of(found, give)

    def _mean(self, column: Spoken, *, above: bool) -> Found:
        edge = number_text(float(f"{column.mean:.2g}"))
        return Answer(f"{quoted(column.name)} {'>' if above else '<'} {edge}", f"the average is {edge}")

    def _stopped(self, found: re.Match[str]) -> Unit:
        return self._of(
            found, lambda measure, window, never: self.turned(answer.stopped(measure, window, self.known), never)
        )

    def _started(self, found: re.Match[str]) -> Unit:
        def give(measure: Measure, window: Window | None, never: bool) -> Found:
            column, note, exact = answer.column_for(measure, window or Window(30, "30 days"), self.known)
            ever = measure.columns.get(0)
            if ever is None or ever is column:
                return Cannot(f"{measure.first.label} is not computed by windows, so it is not known who started")
            rule = f"{quoted(column.name)} >= 1 and {quoted(ever.name)} = {quoted(column.name)}"
            return self.turned(Answer(rule, note or f"all their {ever.label} are in that window", exact), never)

        return self._of(found, give)

    def _changed(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        less = bool(part.get("less"))
        if not part.get("noun") and not part.get("verb"):
            measure = answer.measure_of(answer.topic_of("main", self.known), self.known)
            if measure is None:
                return None
            return self.unit(
                lambda window, never: self.turned(answer.changed(measure, self.known, window, less=less), never),
                self.window(found),
                timed=True,
            )
        return self._of(
            found,
            lambda measure, window, never: self.turned(answer.changed(measure, self.known, window, less=less), never),
        )
