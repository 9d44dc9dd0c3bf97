// Text as Slack shows it: rendered by slack-blocks-to-jsx, with dates in the reader's zone and language.
import { useMemo } from "react";
import { Message as Rendered } from "slack-blocks-to-jsx";
import { slackDate } from "./dates.js";
import { useDirectory, useViewer } from "./people.jsx";
import { useTheme } from "./theme.js";

export function Blocks({ blocks }) {
  const { mentions } = useDirectory();
  const viewer = useViewer();
  const theme = useTheme();
  const hooks = useMemo(
    () => ({
      date: ({ timestamp, format, link, fallback }) => {
        const shown = (
          <time dateTime={new Date(Number(timestamp) * 1000).toISOString()} title={fallback || undefined}>
            {slackDate(timestamp, format, fallback || "", viewer)}
          </time>
        );
        return link ? <a href={link} target="_blank" rel="noreferrer">{shown}</a> : shown;
      },
      link: ({ href, children, className }) => (
        <a href={href} className={className} target="_blank" rel="noreferrer">{children}</a>
      ),
      user: ({ id, name }) => <span className={id === viewer.id ? "mention mine" : "mention"}>@{name || id}</span>,
      usergroup: ({ id, name }) => <span className="mention">@{name || id}</span>,
      channel: ({ id, name }) => <span className="mention">#{name || id}</span>,
    }),
    [viewer],
  );
  return <Rendered blocks={blocks} name="" logo="" data={mentions} hooks={hooks} theme={theme} withoutWrapper />;
}

export function Mrkdwn({ text }) {
  const blocks = useMemo(() => [{ type: "section", text: { type: "mrkdwn", text } }], [text]);
  return <Blocks blocks={blocks} />;
}

export function TextObject({ value }) {
  if (!value) return null;
  return value.type === "mrkdwn" ? <Mrkdwn text={value.text} /> : <span className="plain">{value.text}</span>;
}
