// The ring and what its members share
// Question: who belongs to this ring, and which items, devices and addresses bind them?
// Parameters: $ring, a ring's id
MATCH member = (n)-[m:MEMBER_OF]->(:FraudRing {ringId: $ring})
WITH n, member ORDER BY m.contribution DESC, elementId(n) LIMIT 149
WITH collect(n) AS nodes, collect(member) AS members
UNWIND nodes AS u
OPTIONAL MATCH touch = (u:User)-[t]->(thing)
WHERE thing IN nodes AND NOT t:COORDINATED_WITH
RETURN members, collect(touch)[..1000] AS touches
