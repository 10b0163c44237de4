"""Papers to keep: PDFs, set by Typst in a process of its own."""
