"""A home → a console in the browser for a handful of analysts: today, cases, accounts, the week, lists and rules."""
