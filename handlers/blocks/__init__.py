"""Block Kit views. Pure: values of the model in, blocks out; a view says in `text` all that its blocks say."""
