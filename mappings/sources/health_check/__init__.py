"""Health checks, the second national source (QĐ 1551/QĐ-BYT, QĐ 2062/QĐ-BYT, 2026)."""
