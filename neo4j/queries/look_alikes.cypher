// Look-alikes by embedding
// Title zh: 行为相近的账号
// Question: which users outside the ring are as near to two of those to act on, or more, as these are to each other, and what do they share with it?
// Question zh: 团伙之外有哪些账号与至少两名可处理成员的相近程度不低于这些成员之间，它们与团伙共有什么？
// Parameters: $ring, a ring's id
// Needs: embeddings
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(member:User)
WHERE m.graphdetRun = r.graphdetRun AND coalesce(m.standing, 'act') = 'act' AND member.embedding IS NOT NULL
WITH r, member ORDER BY m.contribution DESC, member.userId LIMIT 10
WITH r, collect(member) AS members
CALL (members) {
  UNWIND members AS a UNWIND members AS b WITH a, b WHERE a.userId < b.userId
  RETURN percentileCont(vector.similarity.cosine(a.embedding, b.embedding), 0.25) AS usual
}
UNWIND members AS member
CALL db.index.vector.queryNodes('graphdet_embedding', 25, member.embedding) YIELD node, score
WHERE score >= usual AND NOT EXISTS { (node)-[:MEMBER_OF]->(r) }
WITH r, usual, node, max(score) AS likeness, count(DISTINCT member) AS membersAlike
WHERE membersAlike >= 2
WITH r, usual, node, likeness, membersAlike, COLLECT {
  MATCH (node)-[t]->(thing)-[:MEMBER_OF]->(r) WHERE t.graphdetRun IS NOT NULL RETURN DISTINCT thing.shortId ORDER BY thing.shortId LIMIT 5
} AS sharesWithTheRing
RETURN node, membersAlike, likeness, usual AS likenessOfMembers, sharesWithTheRing
ORDER BY membersAlike DESC, likeness DESC, node.userId LIMIT 100
