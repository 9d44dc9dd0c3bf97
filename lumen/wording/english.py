"""English nouns: templates write them for many, `{count} hours`, and of one the catalogue says `1 hour`."""

import re

#: What is counted in the texts.
_COUNTED = (
    "accesses adjustments alerts answers changes days elements entries hits hours incidents instances interventions"
    " keys lines lookups messages minutes misses people places points proposals requests rollbacks samples seals"
    " services slices times tokens values weeks writes"
)
_NOUN = re.compile(rf"^ ((?:new|open|such|five-minute|hourly|cached) )?({'|'.join(_COUNTED.split())})\b")
_ENDINGS = (("people", "person"), ("ies", "y"), ("sses", "ss"), ("s", ""))


def agreed(template: str, before: str) -> str:
    """The words of a template that follow `before`, with the noun for one where that is 1."""
    noun = _NOUN.match(template)
    if noun is None or not re.search(r"(?<![\w.,/#–−-])(?<![0-9] of )1$", before):
        return template
    word = noun[2]
    many, one = next(ending for ending in _ENDINGS if word.endswith(ending[0]))
    return f" {noun[1] or ''}{word.removesuffix(many)}{one}{template[noun.end() :]}"
