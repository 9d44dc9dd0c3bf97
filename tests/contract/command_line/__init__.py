"""Commands of the command line on a real store: what they print, change and end with."""
