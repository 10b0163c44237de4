"""A treatment of tuberculosis: the record that XML15 makes over months of visits, one for each registration."""
