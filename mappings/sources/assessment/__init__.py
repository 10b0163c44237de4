"""A medical assessment: the record of a council's finding (XML12), of no visit, which comes alone or in a dossier."""
