// Timeline of the ring's orders
// Question: in which order did the members act on the targets, and how close together?
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[:MEMBER_OF]-(u:User)-[t]->(i:Item)-[:MEMBER_OF]->(r)
RETURN t.firstSeen AS first, t.lastSeen AS last, u.userId AS user, type(t) AS did, i.itemId AS item, t.count AS times, t.amount AS amount
ORDER BY first, user, item LIMIT 150
