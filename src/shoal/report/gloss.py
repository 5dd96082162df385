"""Jargon explained where it stands: the first time a text uses a word of the trade, its meaning lies behind it."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from shoal.report.words import GLOSSARY, plain

_MEANINGS = {
    "Jaccard": GLOSSARY["Stability (Jaccard)"],
    "adjusted Rand": GLOSSARY["Persistence (adjusted Rand)"],
    "R2": GLOSSARY["Variance explained (R²)"],
    "R²": GLOSSARY["Variance explained (R²)"],
    "AUC": GLOSSARY["AUC"],
    "SHAP": GLOSSARY["SHAP"],
    "HDBSCAN": GLOSSARY["HDBSCAN"],
    "silhouette": GLOSSARY["Silhouette"],
    "gap statistic": GLOSSARY["Gap statistic"],
    "q": GLOSSARY["q"],
}
_TERMS = {term.lower(): meaning for term, meaning in _MEANINGS.items()}
_JARGON = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, _MEANINGS))})(?!\w)", re.IGNORECASE)


def gloss(text: object) -> Markup:
    """Text for the page, safe, the first use of each word of the trade with its meaning as a title.

    >>> gloss("q < 1")
    Markup('<abbr title="The share of false discoveries to expect among all that are at least as sure \
(Benjamini and Hochberg 1995).">q</abbr> &lt; 1')
    """
    parts, met, end = [], set(), 0
    said = plain(text)
    for found in _JARGON.finditer(said):
        term = found[0].lower()
        if term in met or (term == "q" and found[0] == "Q"):
            continue
        met.add(term)
        parts += [
            escape(said[end : found.start()]),
            Markup('<abbr title="{}">{}</abbr>').format(_TERMS[term], found[0]),
        ]
        end = found.end()
    return Markup("").join([*parts, escape(said[end:])])
