"""Pure: model -> what Slack shows. No network, no clock; every view says in `text` all that its blocks say."""
