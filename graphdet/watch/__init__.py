"""A stream of events → rings while they form: sources read on from where they were, a window kept in days, looks at fixed times."""
