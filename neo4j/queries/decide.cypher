// Decide on the ring
// Question: what is your verdict: confirmed, innocent or unsure? Set $verdict, $author and $note first.
// Parameters: $ring, a ring's id; $verdict; $author; $note
MATCH (r:FraudRing {ringId: $ring})
WHERE $verdict IN ['confirmed', 'innocent', 'unsure']
CREATE (c:Case {caseId: 'case-' + randomUUID(), ringId: $ring, status: $verdict, author: $author, note: $note, decidedAt: datetime()})
CREATE decision = (c)-[:ABOUT]->(r)
RETURN decision
