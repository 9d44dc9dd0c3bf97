"""A history through the same watch and turn as live, and its score against labels. Pure: no file is read here."""
