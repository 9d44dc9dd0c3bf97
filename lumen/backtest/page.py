"""The result of a back-test as one page of HTML that needs nothing else: every alert on its curve."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape

from lumen.backtest.curves import COST, FAILED, FIGURES, HIT_RATE, P95, Band, Curve, curve
from lumen.backtest.history import SliceHistory
from lumen.backtest.run import BacktestResult
from lumen.backtest.score import Label
from lumen.model.alert import Alert, AlertKind, Observation
from lumen.model.messages import Message, Param
from lumen.wording.catalogue import Catalogue

#: How much is shown before an alert and after it.
AROUND = timedelta(hours=12)
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--soft:#667085;--line:#2f6fde;--card:#fff;--ground:#f4f6f9;--edge:#dde2ea;
--page:#e5484d;--ticket:#f0a020;--notice:#8b95a5;--label:#3fae6a}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf2;--soft:#98a2b3;--line:#7aa7ff;--card:#1b212c;--ground:#11151c;
--edge:#2d3543}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:0 auto;padding:1.25rem}
h1{font-size:1.4rem;margin:.3rem 0}h2{margin:2rem 0 .6rem}h3{font-size:1rem;margin:0}p{margin:.25rem 0}
.soft{color:var(--soft);font-size:.85rem}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:.8rem 1rem;margin:.7rem 0;
min-width:0}
.alerts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,30rem),1fr));gap:0 .8rem;align-items:start}
svg{display:block;width:100%;height:110px;background:color-mix(in srgb,var(--ground) 60%,transparent);border-radius:6px}
path{fill:none;stroke:var(--line);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
rect.page{fill:var(--page);opacity:.35}rect.ticket{fill:var(--ticket);opacity:.35}
rect.notice{fill:var(--notice);opacity:.3}rect.label{fill:var(--label);opacity:.3}
.ends{display:flex;justify-content:space-between;gap:1rem}
.badge{display:inline-block;border-radius:99px;padding:0 .55rem;font-size:.8rem;color:#fff;background:#5b6472}
.badge.page{background:#c62a2f}.badge.ticket{background:#8a5800}.badge.label{background:#1f6b3d}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:right;padding:.2rem .4rem}td:first-child,th:first-child{text-align:left}
"""


def as_html(result: BacktestResult, history: SliceHistory, labels: Sequence[Label], words: Catalogue) -> str:
    """The whole page. `labels`: what was given as true, drawn beside the alerts."""
    body = "".join(
        (
            *_head(result, words),
            *_score(result, words),
            *(part for name, seen in history.services.items() for part in _service(name, seen, result, labels, words)),
        )
    )
    title = escape(words.plain(Message("backtest.title", {})))
    return (
        f'<!doctype html><html lang="{words.locale}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _said(words: Catalogue, code: str, **params: Param) -> str:
    return escape(words.plain(Message(code, params)))


def _head(result: BacktestResult, words: Catalogue) -> Iterator[str]:
    yield f"<h1>{_said(words, 'backtest.title')}</h1>"
    yield f"<p>{_said(words, 'verify.slices', slices=result.slices, alerts=len(result.alerts))}</p>"
    legend = "".join(
        f'<span class="badge {style}">{_said(words, code)}</span> '
        for style, code in (
            ("page", "incident.severity_page"),
            ("ticket", "incident.severity_ticket"),
            ("notice", "incident.severity_notice"),
            ("label", "backtest.labelled"),
        )
    )
    yield f'<p class="soft">{legend}</p>'


def _score(result: BacktestResult, words: Catalogue) -> Iterator[str]:
    if result.score is None:
        return
    names = ("alerts", "precision", "recall", "ttd")
    heads = "".join(f"<th>{_said(words, f'verify.column_{name}')}</th>" for name in names)
    rows = [(kind.value, one) for kind, one in result.score.by_kind.items()]
    cells = ""
    for name, one in [*rows, (words.plain(Message("verify.row_all", {})), result.score.overall)]:
        late = "–" if one.ttd_p90_minutes is None else f"{one.ttd_p90_minutes:.0f} min"
        found = (name, f"{one.true_alerts}/{one.alerts}", f"{one.detected}/{one.incidents}", late)
        cells += "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in found) + "</tr>"
    yield f'<div class="card wide"><table><tr>{heads}</tr>{cells}</table></div>'


def _service(
    name: str, seen: Sequence[Observation], result: BacktestResult, labels: Sequence[Label], words: Catalogue
) -> Iterator[str]:
    own = [alert for alert in result.alerts if alert.service == name]
    since, until = seen[0].start, seen[-1].end
    given = [_label_band(label) for label in labels if label.service == name]
    yield f"<h2>{escape(name)}</h2>"
    for figure in (FAILED, P95, HIT_RATE, COST):
        if any(figure.value(one) is not None for one in seen):
            bands = [*given, *(_alert_band(one, until, words) for one in own if FIGURES[one.kind] is figure)]
            shown = curve(figure, seen, since, until, bands)
            yield f'<div class="card"><h3>{_said(words, figure.code)}</h3>{_drawn(shown, since, until)}</div>'
    cards = "".join(_alert(alert, seen, given, words) for alert in own)
    yield f'<div class="alerts">{cards}</div>'


def _alert(alert: Alert, seen: Sequence[Observation], given: Iterable[Band], words: Catalogue) -> str:
    """One alert with the half days around it."""
    end = seen[-1].end
    closed = alert.closed_at or end
    # A cost alert speaks of the day before it.
    before = 4 * AROUND if alert.kind is AlertKind.COST else AROUND
    since = max(seen[0].start, alert.opened_at - before)
    until = min(end, max(closed, alert.opened_at) + AROUND)
    near = [one for one in seen if since <= one.start < until]
    bands = [*(band for band in given if band.start < until and band.end > since), _alert_band(alert, end, words)]
    shown = curve(FIGURES[alert.kind], near, since, until, bands)
    kind = _said(words, f"incident.kind_{alert.kind}")
    badge = f'<span class="badge {alert.severity}">{_said(words, f"incident.severity_{alert.severity}")}</span>'
    span = f"{_instant(alert.opened_at)} – {'…' if alert.closed_at is None else _instant(alert.closed_at)}"
    return (
        f'<div class="card"><h3>{kind} {badge}</h3><p class="soft">{span}</p><p>{escape(words.plain(alert.reason))}</p>'
        f'<p class="soft">{_said(words, FIGURES[alert.kind].code)}</p>{_drawn(shown, since, until)}</div>'
    )


def _drawn(shown: Curve, since: datetime, until: datetime) -> str:
    ends = f"<span>{_instant(since)}</span><span>{_instant(until)}</span>"
    return (
        f'<div class="ends soft"><span>{escape(shown.highest)}</span></div>{shown.svg}'
        f'<div class="ends soft"><span>{escape(shown.lowest)}</span></div><div class="ends soft">{ends}</div>'
    )


def _alert_band(alert: Alert, until: datetime, words: Catalogue) -> Band:
    return Band(alert.opened_at, alert.closed_at or until, alert.severity, words.plain(alert.reason))


def _label_band(label: Label) -> Band:
    return Band(label.start, label.end, "label", label.kind)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
