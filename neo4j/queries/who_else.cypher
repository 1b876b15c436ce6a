// Who else uses these devices
// Question: which users outside the ring use what its members share: devices, IPs, payment instruments, addresses?
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[:MEMBER_OF]-(thing:!(User|Item|Seller))
MATCH use = (thing)<-[t]-(u:User)
WHERE t.graphdetRun IS NOT NULL AND NOT EXISTS { (u)-[:MEMBER_OF]->(r) }
RETURN use, thing.degree AS relationsOfTheThing
ORDER BY u.score DESC, u.userId LIMIT 75
