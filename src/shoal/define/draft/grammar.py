"""Phrases: at a place in the text, the longest phrase that is known, and how to answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from shoal.define.draft import answer, people
from shoal.define.draft.answer import Answer, Cannot, Found, Other, Quantity, Window
from shoal.define.draft.known import Known, Measure, Spoken
from shoal.define.draft.patterns import (
    AGO,
    AMOUNT,
    COMPARISON,
    NUMBER,
    UNIT,
    WINDOW,
    comparison,
    days,
    number,
    quantity,
)
from shoal.define.draft.patterns import window as window_of
from shoal.define.draft.topics import (
    BUYERS,
    COUNTS,
    FILLERS,
    NEGATIONS,
    NOUNS,
    SCORES,
    STAGES,
    TIMES,
    TOPICS,
    WORTH,
    Topic,
)
from shoal.define.draft.vocabulary import any_of, lookup, vocabulary
from shoal.define.protected import protected_words
from shoal.define.words import number_text, quoted

Make = Callable[[Window | None, bool], Found]
_PEOPLE = rf"(?: (?:{'|'.join(sorted(NOUNS))}|buyers?|spenders?))?"
_MUCH = r"high|higher|highest|large|larger|big|many|lots of|a lot of|heavy|much|frequent|long|strong|numerous|good"
_LITTLE = r"low|lower|lowest|small|smaller|few|little|short|rare|hardly any|poor"
_OFTEN = r"a lot|much|often|frequently|heavily|regularly|a great deal|many times"
_SELDOM = r"little|rarely|seldom|hardly|occasionally|infrequently|not much"
_MOSTLY = r"mostly|mainly|usually|primarily|predominantly|prefer(?:s|red)?(?: to)?|often|favou?r"
_LESS = r"less(?: often| frequently)?|fewer|declining|decreasing|falling|dropping|shrinking|slowing(?: down)?|slowed down|declined|decreased|dropped|fell|down"
_MORE = r"more(?: often| frequently)?|growing|increasing|rising|grew|increased|rose|up|picked up|speeding up"
_THAN = r"(?: than (?:before|they used to|previously|last (?:month|quarter|year)|in the past|usual|ever))?"
_STOP = r"(?:have |has |had )?(?:stopped|quit|ceased|gave up|given up|no longer|stop|not any more)"
_START = r"(?:have |has )?(?:started|began|begun|newly)"


_PATTERNS = [
    *(pattern for topic in TOPICS.values() for pattern in (topic.nouns, topic.verbs)),
    *STAGES.values(),
    *COUNTS.values(),
    *(words for words, _ in WORTH.values()),
    *(words for _, words, _ in SCORES.values()),
    *TIMES.values(),
    *(_MUCH, _LITTLE, _OFTEN, _SELDOM, _MOSTLY, _LESS, _MORE, _STOP, _START, WINDOW, AMOUNT, AGO),
]
# Words of the grammar, for slips of the pen.
_SPELT = {word for pattern in _PATTERNS for word in re.findall(r"[a-z]{4,}", re.sub(r"\?P?<\w+>", " ", pattern))}
COMMON = _SPELT | {word.removesuffix("s") for word in _SPELT} | FILLERS | NOUNS | BUYERS | NEGATIONS | {"month", "week", "year", "quarter"}


@dataclass(frozen=True)
class Unit:
    """A phrase that was found: its words, how to answer it, the window that it named, and of which column it is a value."""

    words: int
    make: Make
    window: Window | None = None
    level: tuple[str, str] | None = None
    timed: bool = False  # whether a window may be added
    values: tuple[str, ...] = ()  # of a column, where it is about several


class Grammar:
    """The phrases of one workspace."""

    def __init__(self, known: Known) -> None:
        self.known, self.own = known, vocabulary(known)
        own = self.own
        nouns = "|".join([any_of(own.numbers), *(topic.nouns for topic in TOPICS.values() if topic.nouns)])
        verbs = "|".join(topic.verbs for topic in TOPICS.values() if topic.verbs)
        n, v = f"(?P<noun>{nouns})", f"(?P<verb>{verbs})"
        both = f"(?:{n}|{v})"
        w = f"(?:{WINDOW})?"
        items = f"(?P<item>{any_of(own.items)})"
        when = f"(?P<time>{'|'.join(TIMES.values())})"
        # The first of two equally long phrases is taken.
        self.patterns: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Unit | None]]] = [
            (re.compile(f"(?:{pattern})(?= |$)"), made)
            for pattern, made in (
                (
                    rf"(?P<end>top|best|highest|bottom|lowest|worst)(?: (?:spending|spenders))? (?P<num>{NUMBER})(?P<pct> %)?(?: of)?(?: (?:the|our|all))*{_PEOPLE}(?: (?:by|in|on|of|for|with) (?:the |their )?{n})?",
                    self._rank,
                ),
                (rf"(?P<end>highest|lowest|top|bottom|best) {n} (?P<num>{NUMBER})(?P<pct> %)?", self._rank),
                (rf"(?:{v} )?{AMOUNT} (?:different )?{n}{w}", self._counted),
                (rf"{v} {AMOUNT}(?: times?)?{w}", self._counted),
                (rf"{n} {COMPARISON}(?: (?P<tunit>{UNIT}))?{w}", self._compared),
                (rf"{AMOUNT} times{w}", self._counted),
                (rf"(?:the |their )?(?:last|latest|most recent) (?:{both}|seen|order|activity) {AGO}", self._last),
                (rf"(?:the |their )?(?:last|latest|most recent) (?:{both}|seen|order|activity){WINDOW}", self._last),
                (rf"(?:{both}|seen) {AGO}", self._last),
                (
                    rf"(?:first (?:seen|order|purchase|bought|visit)|signed up|sign ups?|joined|registered|created|came on board|subscribed)(?: {AGO}|{WINDOW})?",
                    self._joined,
                ),
                (
                    rf"(?:been )?(?:{'|'.join(sorted(NOUNS))})(?: with us)? (?:for|since)(?: (?P<wpre>{'|'.join(['more than', 'over', 'at least', 'less than', 'under', 'longer than'])}))? (?P<wnum2>{NUMBER}) (?P<wunit2>{UNIT})",
                    self._standing,
                ),
                (r"long(?: time| standing| term)|longtime|long standing|old", self._old),
                (rf"{both}{WINDOW}", self._done),
                (both, self._done),
                (
                    rf"(?:(?P<much>{_MUCH})|(?P<little>{_LITTLE})|(?P<mean>above average|below average)) {n}{w}",
                    self._vague,
                ),
                (rf"{v} (?:(?P<much>{_OFTEN})|(?P<little>{_SELDOM})){w}", self._vague),
                (
                    rf"(?:(?P<much>often|frequently|regularly|heavily)|(?P<little>rarely|seldom|hardly(?: ever)?|occasionally)) {v}{w}",
                    self._vague,
                ),
                (rf"{_STOP} {both}{w}", self._stopped),
                (rf"(?:{both}) (?:no longer|not any more)", self._stopped),
                (rf"{_START} {both}{w}", self._started),
                (
                    rf"{both} (?:(?:is|are|has|have|been) )*(?:(?P<less>{_LESS})|(?P<more>{_MORE})){_THAN}{w}",
                    self._changed,
                ),
                (rf"(?:(?P<less>{_LESS})|(?P<more>{_MORE})) (?:in )?{both}?{_THAN}{w}", self._changed),
                (
                    rf"(?:(?P<less>declining|fading spend|slowing(?: down)?|decreasing|shrinking|dropping off)|(?P<more>growing|rising|on the rise|increasing)){_THAN}{w}",
                    self._changed,
                ),
                (
                    rf"(?:(?:{v}|shop|orders?) )?(?:(?P<mostly>{_MOSTLY})|(?P<only>only|exclusively|always) )?(?: ?(?:at|on|in|during|by|over))?(?: the)? ?{when}",
                    self._when,
                ),
                (
                    rf"(?:{v} )?(?:(?:(?P<mostly>{_MOSTLY})|(?P<only>only|exclusively|always)) )?(?:{v.replace('verb', 'verb2')} )?(?:(?P<by>via|by|on|through|with|using) )?(?:(?:from|in|of|for|the|our) )*{items}(?: (?:products?|items?|goods|category|department|articles?))?(?P<fans> (?:lovers?|fans?|fanatics?))?",
                    self._item,
                ),
                (
                    rf"(?P<pre>at least|more than|over|less than|under|at most|) ?(?P<num>{NUMBER}) (?P<pct>%)(?: of)?(?: (?:their|the))?(?: {n})?(?: (?:is|are|in|from|at|on|via|by|during|through|the))*(?: {items}| {when})",
                    self._portion,
                ),
                (
                    rf"(?:with )?(?:abandoned|left|forgotten) (?:their |a |the )?(?:carts?|baskets?)|carts? abandon(?:ers?|ed|ment)",
                    self._abandoned,
                ),
                *(
                    (
                        rf"(?P<not>un|not )?(?:likely|expected|about|going|ready|set|predicted|prone) to (?:{words})(?: {items}| (?P<other>soon|again|from us|anything))?",
                        self._likely(word),
                    )
                    for word, (_, words, _) in SCORES.items()
                ),
                (
                    r"(?:at )?(?:high )?risk of (?:churn(?:ing)?|leaving|cancell?ing|lapsing)|(?:high )?churn risks?",
                    self._likely("leave"),
                ),
                *((rf"(?:{words}){_PEOPLE}(?:{WINDOW})?", self._stage(word)) for word, words in STAGES.items()),
                *((rf"(?:{words}){_PEOPLE}", self._often(word)) for word, words in COUNTS.items()),
                (r"customers? who (?:have )?never (?:bought|ordered|purchased)", self._often("never")),
                *((rf"(?:{words}){_PEOPLE}{w}", self._worth(percentile)) for words, percentile in WORTH.values()),
                *self._own_patterns(),
            )
        ]

    def _own_patterns(self) -> Iterator[tuple[str, Callable[[re.Match[str]], Unit | None]]]:
        own = self.own
        about = (
            r"(?:(?:on|in|from|with|using|use|by|via|at|of|the|a|an|their|has|have|having|who|paying|pay|is|are|our) )*"
        )
        label = f"(?P<label>{any_of(own.texts)})"
        yield (
            rf"{about}(?:{label} (?:is |are |= |: )?)?(?P<level>{any_of(own.levels)})(?: {label.replace('label', 'label2')})?",
            self._level,
        )
        yield rf"{about}(?P<flag>{any_of(own.flags)})", self._flag
        yield rf"(?:(?:in|of) )?(?:the )?segments? (?P<segment>{any_of(own.segments, plural=False)})", self._segment
        yield rf"(?:the )?(?P<segment>{any_of(own.segments, plural=False)})", self._segment
        yield rf"(?P<event>{self._event_words()})", self._event
        yield rf"(?P<barred>{any_of(own.barred)})(?: (?:{AMOUNT}|(?:is |= )?[a-z]+))?", self._barred
        yield rf"(?:in |from |by |with )?(?P<else>{any_of(own.elsewhere)})(?: (?:is |= )?[a-z]+)?", self._elsewhere
        yield r"everyone|everybody|all (?:our )?(?:customers|users|people|accounts|members)", self._everybody

    def _event_words(self) -> str:
        """Events by their words in either order: `Report Exported` is exported a report."""
        found = []
        for said in self.own.events:
            parts = [re.escape(re.sub(r"(?:ed|s)$", "", part)) + r"(?:ed|d|s|ing)?" for part in said.split()]
            found.append(" ".join(parts))
            if len(parts) == 2:
                found.append(rf"{parts[1]} (?:a |an |the |their |any )*{parts[0]}")
        return "|".join(sorted(found, key=len, reverse=True)) or "(?!)"

    def at(self, text: str, start: int) -> Unit | None:
        """The longest phrase that begins at a place of the plain text."""
        best: Unit | None = None
        longest = 0
        for pattern, made in self.patterns:
            found = pattern.match(text, start)
            if found is None or found.end() - start <= longest:
                continue
            unit = made(found)
            if unit is not None:
                longest = found.end() - start
                best = replace(unit, words=len(found[0].split()))
        return best

    def span(self, text: str) -> tuple[Window, int] | None:
        """A span of time at the beginning of a text that starts with a blank, and how many words it has."""
        found = re.match(f"{WINDOW}(?= |$)", text)
        window = self._window(found) if found else None
        return (window, len(found[0].split())) if found and window else None

    def also(self, unit: Unit, value: str) -> Unit:
        """A phrase on a value of a column, with another value of it."""
        if unit.level is None:
            return unit
        name, values = unit.level[0], [*unit.values, value]
        listed = ", ".join(f"'{_escaped(one)}'" for one in values)
        made = Answer(f"{quoted(name)} in ({listed})", f"values of {self.known.columns[name].label}")
        no = replace(made, rule=f"{quoted(name)} not in ({listed})")
        return replace(unit, make=lambda _, never: no if never else made, values=tuple(values))

    @property
    def spelling(self) -> list[str]:
        """Every word that may be meant where one is misspelt."""
        own = self.own
        tables = (own.numbers, own.levels, own.flags, own.texts, own.items, own.segments, own.barred)
        mine = {word for table in tables for said in table for word in said.split()}
        return sorted({word for word in mine | COMMON if len(word) > 3})

    def _unit(self, make: Make, window: Window | None = None, *, timed: bool = False) -> Unit:
        return Unit(0, make, window, timed=timed)

    def _window(self, found: re.Match[str]) -> Window | None:
        rhythm = self.known.rhythm
        return window_of(found, rhythm.engaged if rhythm else None)

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

    def _of(
        self, found: re.Match[str], give: Callable[[Measure, Window | None, bool], Found], *, positive: bool = True
    ) -> Unit:
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

        del positive
        return self._unit(make, self._window(found), timed=True)

    def _turn(self, found: Found, never: bool) -> Found:
        return answer.turned(found, self.known) if never else found

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

        return self._unit(make)

    def _counted(self, found: re.Match[str]) -> Unit | None:
        asked = quantity(found)
        part = found.groupdict()
        if not part.get("noun") and not part.get("verb"):
            measure = answer.measure_of(answer.topic_of("main", self.known), self.known)
            if measure is None:
                return None
            return self._unit(
                lambda window, never: self._turn(answer.counted(measure, asked, window, self.known), never),
                self._window(found),
                timed=True,
            )
        return self._of(
            found, lambda measure, window, never: self._turn(answer.counted(measure, asked, window, self.known), never)
        )

    def _compared(self, found: re.Match[str]) -> Unit | None:
        asked = quantity(found, time=True)
        if not asked.op and asked.high is None and found["noun"] in ("views", "visits"):
            return None
        return self._of(
            found, lambda measure, window, never: self._turn(answer.counted(measure, asked, window, self.known), never)
        )

    def _last(self, found: re.Match[str]) -> Unit | None:
        """The last time, so long ago."""
        part = found.groupdict()
        recency = self.known.has("recency_days")
        if part.get("aunit"):
            span = days(part["anum"], part["aunit"])
            op = comparison(part["apre"]) or ">="
        else:
            window = self._window(found)
            if window is None:
                return None
            span, op = window.days, "<="

        def make(_: Window | None, never: bool) -> Found:
            if recency is None:
                return Cannot("nothing tells when people did something last")
            return self._turn(Answer(f"recency_days {op} {number_text(span)}", f"{recency.label}, as asked"), never)

        return self._unit(make)

    def _joined(self, found: re.Match[str]) -> Unit:
        part = found.groupdict()
        ago = part.get("aunit")
        window = self._window(found)

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
                made = Answer("tenure_days is not null", f"{tenure.label}: any time")
            return self._turn(made, never)

        return self._unit(make, window, timed=True)

    def _standing(self, found: re.Match[str]) -> Unit:
        part = found.groupdict()
        span = days(part["wnum2"], part["wunit2"])
        op = comparison(part["wpre"]) or ">="

        def make(_: Window | None, never: bool) -> Found:
            tenure = self.known.has("tenure_days")
            if tenure is None:
                return Cannot("nothing tells since when people are customers")
            return self._turn(Answer(f"tenure_days {op} {number_text(span)}", f"{tenure.label}, as asked"), never)

        return self._unit(make)

    def _old(self, _: re.Match[str]) -> Unit:
        def make(window: Window | None, never: bool) -> Found:
            del window
            tenure = self.known.has("tenure_days", "tenure")
            if tenure is None:
                return Cannot("nothing tells since when people are customers")
            return self._turn(answer.vague(tenure, 80, "how long"), never)

        return self._unit(make)

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
            return self._turn(made, never)

        return self._of(found, give)

    def _mean(self, column: Spoken, *, above: bool) -> Found:
        edge = number_text(float(f"{column.mean:.2g}"))
        return Answer(f"{quoted(column.name)} {'>' if above else '<'} {edge}", f"the average is {edge}")

    def _stopped(self, found: re.Match[str]) -> Unit:
        return self._of(
            found, lambda measure, window, never: self._turn(answer.stopped(measure, window, self.known), never)
        )

    def _started(self, found: re.Match[str]) -> Unit:
        def give(measure: Measure, window: Window | None, never: bool) -> Found:
            column, note, exact = answer.column_for(measure, window or Window(30, "30 days"), self.known)
            ever = measure.columns.get(0)
            if ever is None or ever is column:
                return Cannot(f"{measure.first.label} is not computed by windows, so it is not known who started")
            rule = f"{quoted(column.name)} >= 1 and {quoted(ever.name)} = {quoted(column.name)}"
            return self._turn(Answer(rule, note or f"all their {ever.label} are in that window", exact), never)

        return self._of(found, give)

    def _changed(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        less = bool(part.get("less"))
        if not part.get("noun") and not part.get("verb"):
            measure = answer.measure_of(answer.topic_of("main", self.known), self.known)
            if measure is None:
                return None
            return self._unit(
                lambda window, never: self._turn(answer.changed(measure, self.known, window, less=less), never),
                self._window(found),
                timed=True,
            )
        return self._of(
            found,
            lambda measure, window, never: self._turn(answer.changed(measure, self.known, window, less=less), never),
        )

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
                return self._turn(Answer(f"{said} = 1", f"{column.label}: all"), never)
            other = (Other(f"{said} > 0", "at least once"),)
            if column.marks and column.at(95) < 0.5:
                made = answer.vague(column, 80, "how much (few reach a half)")
                return self._turn(replace(made, others=other) if isinstance(made, Answer) else made, never)
            return self._turn(Answer(f"{said} >= 0.5", f"{column.label}: at least a half", others=other), never)

        return self._unit(make)

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
        return self._unit(lambda _, never: self._turn(answer.compared(column, asked), never))

    def _abandoned(self, _: re.Match[str]) -> Unit:
        def make(window: Window | None, never: bool) -> Found:
            del window
            carts, orders = self.known.has("carts_30d", "carts"), self.known.has("orders_30d", "orders")
            if carts is None or orders is None:
                return Cannot("the data have no events of carts (`cart` under `events:`)")
            rule = f"{quoted(carts.name)} >= 1 and {quoted(orders.name)} = 0"
            return self._turn(Answer(rule, f"some {carts.label}, no {orders.label}"), never)

        return self._unit(make)

    def _likely(self, word: str) -> Callable[[re.Match[str]], Unit | None]:
        def made(found: re.Match[str]) -> Unit | None:
            part = found.groupdict()
            item = part.get("item") or ""
            high = not part.get("not")
            return self._unit(lambda _, never: people.likely(word, item, self.known, high=high is not never))

        return made

    def _stage(self, word: str) -> Callable[[re.Match[str]], Unit]:
        return lambda found: self._unit(
            lambda window, never: self._turn(people.stage(word, window, self.known), never),
            self._window(found),
            timed=True,
        )

    def _often(self, word: str) -> Callable[[re.Match[str]], Unit]:
        return lambda _: self._unit(
            lambda window, never: self._turn(people.often(word, window, self.known), never), timed=True
        )

    def _worth(self, percentile: float) -> Callable[[re.Match[str]], Unit]:
        return lambda found: self._unit(
            lambda window, never: self._turn(people.worth(percentile, window, self.known), never),
            self._window(found),
            timed=True,
        )

    def _level(self, found: re.Match[str]) -> Unit | None:
        part = found.groupdict()
        said = part["level"]
        columns = self.own.levels.get(said) or next(
            (value for word, value in self.own.levels.items() if word.removesuffix("s") == said.removesuffix("s")), None
        )
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
        rule = f"{quoted(name)} = '{_escaped(value)}'"
        made = Answer(rule, f"'{value}' is a value of {self.known.columns[name].label}", others=others)
        return Unit(0, lambda _, never: self._turn(made, never), level=(name, value), values=(value,))

    def _flag(self, found: re.Match[str]) -> Unit | None:
        said = found["flag"]
        flag = self.own.flags.get(said) or next(
            (value for word, value in self.own.flags.items() if word.removesuffix("s") == said.removesuffix("s")), None
        )
        if flag is None:
            return None
        name, yes, no = flag
        label = self.known.columns[name].label
        return self._unit(
            lambda _, never: Answer(no if never else yes, f"{label} is recorded as {'no' if never else 'yes'}")
        )

    def _segment(self, found: re.Match[str]) -> Unit:
        name = self.own.segments[found["segment"]]
        made = Answer(f"({self.known.segments[name]})", f"the rule of the segment '{name}' as of the last run")
        return self._unit(lambda _, never: self._turn(made, never))

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
        why = f"no feature counts the event '{event}'; put `{feature}: {{count: events, of: {event}, within: 90d}}` under `features:` in shoal.yaml and run"
        return self._unit(lambda *_: Cannot(why), timed=True)

    def _barred(self, found: re.Match[str]) -> Unit:
        why = f"{self.own.barred.get(found['barred'], found['barred'])} is a protected trait, and no rule reads those"
        return self._unit(lambda *_: Cannot(why))

    def _elsewhere(self, found: re.Match[str]) -> Unit:
        said = found["else"]
        name = lookup(said, self.own.elsewhere) or said
        value = "" if said in (name, name.replace("_", " ")) else f"'{said}' is a value of {name}. "
        line = f"put `{name}: {{last: {name}}}` under `features:` in shoal.yaml and run"
        return self._unit(lambda *_: Cannot(f"{value}Rules cannot read {name}, which comes with events; {line}"))

    def _everybody(self, _: re.Match[str]) -> Unit:
        return self._unit(lambda *_: Answer("true", "everybody"))


def _escaped(text: str) -> str:
    return text.replace("'", "''")


def is_protected_word(word: str) -> bool:
    """Whether a word speaks of a protected trait."""
    return bool(protected_words(word))
