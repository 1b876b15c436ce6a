// The ring's sellers
// Question: which sellers gain from the members' orders?
// Parameters: $ring, a ring's id
MATCH (:FraudRing {ringId: $ring})<-[:MEMBER_OF]-(u:User)
MATCH deal = (u)-[d:DEALT_WITH]->(s:Seller)
RETURN deal, s.sellerId AS seller, d.count AS orders, d.amount AS amount
ORDER BY orders DESC, seller, u.userId LIMIT 75
