"""A run's rings → dossiers: checkable facts, innocent explanations tried, counterfactuals and the minimal witness, in two languages."""
