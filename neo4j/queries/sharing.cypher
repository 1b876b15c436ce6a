// Rings that share members
// Question: which other rings have members, items or devices in common with this one?
// Parameters: $ring, a ring's id
MATCH bridge = (:FraudRing {ringId: $ring})<-[:MEMBER_OF]-(n)-[:MEMBER_OF]->(other:FraudRing)
RETURN bridge
ORDER BY other.rank, elementId(n) LIMIT 50
