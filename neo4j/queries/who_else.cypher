// Who else uses what members share
// Title zh: 还有谁使用成员共用的事物
// Question: which users outside the ring use what its members share: devices, IPs, payment instruments, addresses and the like?
// Question zh: 团伙之外还有哪些账号使用成员共用的设备、IP、支付工具、地址等？
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(thing:!(User|Item|Seller)) WHERE m.graphdetRun = r.graphdetRun
MATCH use = (thing)<-[t]-(u:User)
WHERE t.graphdetRun IS NOT NULL AND NOT EXISTS { (u)-[:MEMBER_OF]->(r) }
WITH use, thing, u ORDER BY u.score DESC, u.userId
WITH collect({use: use, degree: thing.degree}) AS every
UNWIND every[..75] AS one
RETURN one.use AS use, one.degree AS relationsOfTheThing, 'shown ' + toString(size(every[..75])) + ' of ' + toString(size(every)) AS shown
