// Timeline of the ring
// Title zh: 团伙行为时间线
// Question: in which order did the members act on the targets, and how close together?
// Question zh: 成员按什么先后、相隔多久对目标商品下手？
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(u:User)-[t]->(i:Item)-[n:MEMBER_OF]->(r)
WHERE m.graphdetRun = r.graphdetRun AND n.graphdetRun = r.graphdetRun AND t.graphdetRun IS NOT NULL
WITH r, u, m, i, type(t) AS did, t ORDER BY t.graphdetRun = r.graphdetRun DESC, t.lastSeen DESC
WITH u, m, i, did, head(collect(t)) AS t ORDER BY t.firstSeen, u.userId, i.itemId, did
WITH collect({user: u.userId, standing: m.standing, did: did, item: i.itemId, t: t}) AS every
UNWIND every[..150] AS one
RETURN one.t.firstSeen AS first, one.t.lastSeen AS last, one.user AS user, one.standing AS standing, one.did AS did, one.item AS item,
  one.t.count AS times, one.t.amount AS amount, 'shown ' + toString(size(every[..150])) + ' of ' + toString(size(every)) AS shown
