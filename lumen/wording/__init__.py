"""All that people read, in English and Korean: sentences and the rows of the report; no layout."""
