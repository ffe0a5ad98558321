"""API of Gorse (/api/…, X-API-Key, PascalCase), so that its clients work unmodified: docs/gorse.md."""
