// Times in the reader's zone and language, and Slack's <!date^…> tokens.

// The world's time, which may run faster than the wall's: as the sandbox last told.
let clock = { scale: 1, origin: 0 };

export function setClock({ scale, origin }) {
  clock = { scale, origin: Date.parse(origin) };
}

export const now = () => clock.origin + (Date.now() - clock.origin) * clock.scale;

const parts = (options) => (date, person) =>
  new Intl.DateTimeFormat(person.locale, { timeZone: person.tz, ...options }).format(date);

export const clockTime = parts({ hour: "numeric", minute: "2-digit" });
export const exactTime = parts({ dateStyle: "full", timeStyle: "long" });
const clockWithSeconds = parts({ hour: "numeric", minute: "2-digit", second: "2-digit" });
const longDate = parts({ year: "numeric", month: "long", day: "numeric" });
const shortDate = parts({ year: "numeric", month: "short", day: "numeric" });
const fullDate = parts({ weekday: "long", year: "numeric", month: "long", day: "numeric" });

function numericDate(date, person) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: person.tz }).format(date);
}

function relativeDay(date, person) {
  const days = Math.round((Date.parse(numericDate(date, person)) - Date.parse(numericDate(new Date(now()), person))) / 86400000);
  if (Math.abs(days) > 1) return null;
  return new Intl.RelativeTimeFormat(person.locale, { numeric: "auto" }).format(days, "day");
}

export function dayLabel(date, person) {
  const near = relativeDay(date, person);
  return near ? near.charAt(0).toUpperCase() + near.slice(1) : fullDate(date, person);
}

function ago(date, person) {
  const seconds = (date.getTime() - now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(person.locale, { numeric: "auto" });
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.round(seconds), "second");
}

const tokens = {
  date_num: numericDate,
  date: longDate,
  date_short: shortDate,
  date_long: fullDate,
  date_pretty: (d, p) => relativeDay(d, p) ?? longDate(d, p),
  date_short_pretty: (d, p) => relativeDay(d, p) ?? shortDate(d, p),
  date_long_pretty: (d, p) => relativeDay(d, p) ?? fullDate(d, p),
  day_divider_pretty: dayLabel,
  time: clockTime,
  time_secs: clockWithSeconds,
  ago,
};

export function slackDate(timestamp, format, fallback, person) {
  const date = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(date.getTime())) return fallback;
  return format.replace(/\{(\w+)\}/g, (whole, name) => tokens[name]?.(date, person) ?? whole);
}

export const dateOf = (ts) => new Date(Number(ts) * 1000);
export const dayOf = (ts, person) => numericDate(dateOf(ts), person);
