"""`python -m bot`: the console script `lumen` where none is installed."""

from bot.cli.commands import main

# The numerics worker imports this module again as it starts.
if __name__ == "__main__":
    main()
