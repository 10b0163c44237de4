"""Code lists with their validity dates, and the table of URIs."""
