// Look-alikes by embedding
// Question: which users outside the ring behave like its members?
// Parameters: $ring, a ring's id
// Needs: embeddings
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(member:User)
WHERE member.embedding IS NOT NULL
WITH r, member ORDER BY m.contribution DESC, member.userId LIMIT 10
CALL db.index.vector.queryNodes('graphdet_embedding', 25, member.embedding) YIELD node, score
WHERE NOT EXISTS { (node)-[:MEMBER_OF]->(r) }
RETURN node, max(score) AS likeness, count(member) AS membersAlike
ORDER BY likeness DESC, node.userId LIMIT 100
