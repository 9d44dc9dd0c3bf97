"""The words only: one TOML file an area and language, loaded by `lumen.wording.catalogue`."""
