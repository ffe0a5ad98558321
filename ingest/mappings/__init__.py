"""Mappings of analytics exports, one TOML file each; `ingest.mapping` reads them, docs/ingest.md lists them."""
