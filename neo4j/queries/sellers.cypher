// The ring's sellers
// Title zh: 团伙涉及的店铺
// Question: which sellers gain from the members' orders, and by how much more than from as many ordinary users?
// Question zh: 哪些店铺从成员订单中得利，比同样多的普通用户多出多少？
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(u:User) WHERE m.graphdetRun = r.graphdetRun
MATCH deal = (u)-[d:DEALT_WITH]->(s:Seller)
OPTIONAL MATCH gain = (s)-[g:GAINS_FROM]->(r) WHERE g.graphdetRun = r.graphdetRun
WITH deal, gain, g, s, d, u, m ORDER BY g.inflated DESC, d.count DESC, s.sellerId, u.userId
WITH collect({deal: deal, standing: m.standing, gain: gain, seller: s.sellerId, orders: g.orders, beyond: g.inflated,
  stake: g.atStake}) AS every
UNWIND every[..75] AS one
RETURN one.deal AS deal, one.standing AS standing, one.gain AS gain, one.seller AS seller, one.orders AS membersOrders,
  one.beyond AS beyondOrdinaryUsers, one.stake AS atStake, 'shown ' + toString(size(every[..75])) + ' of ' + toString(size(every)) AS shown
