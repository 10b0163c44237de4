"""What the service does; one module per verb. Transactions are visible here and nowhere else."""
