// Who else uses these devices
// Question: which users outside the ring share its devices, IPs, payment instruments or addresses?
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[:MEMBER_OF]-(thing:Device|IP|Payment|Address)
MATCH use = (thing)<-[:USED|HAS_IP|PAID_WITH|DELIVERED_TO]-(u:User)
WHERE NOT EXISTS { (u)-[:MEMBER_OF]->(r) }
RETURN use, thing.degree AS relationsOfTheThing
ORDER BY u.score DESC, u.userId LIMIT 75
