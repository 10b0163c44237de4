"""ehr-sync demo: the whole service with a simulated city on one machine, and what became of its dossiers."""
