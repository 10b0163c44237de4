"""How processes live: started, watched, logged, measured. Nothing about health."""
