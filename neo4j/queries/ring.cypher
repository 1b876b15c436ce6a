// The ring and what its members share
// Title zh: 团伙及其成员共用的事物
// Question: who belongs to this ring, what binds them, and which seller gains? One line for each pair, a purchase where there is one.
// Question zh: 哪些账号属于该团伙，它们因什么相连，哪个店铺得利？每一对只画一条线，有购买时画购买。
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})
CALL (r) {
  MATCH (thing)-[m:MEMBER_OF]->(r) WHERE NOT thing:User AND m.graphdetRun = r.graphdetRun
  WITH thing ORDER BY m.contribution DESC, elementId(thing)
  RETURN collect(thing) AS every
}
CALL (r) {
  MATCH gain = (:Seller)-[g:GAINS_FROM]->(r) WHERE g.graphdetRun = r.graphdetRun
  WITH gain ORDER BY g.inflated DESC, g.orders DESC LIMIT 3
  RETURN collect(gain) AS sellers
}
MATCH member = (u:User)-[m:MEMBER_OF]->(r) WHERE m.graphdetRun = r.graphdetRun
WITH r, sellers, every, u, member, m.standing AS standing ORDER BY standing, m.contribution DESC, u.userId
WITH r, sellers, every, every[..56] AS things, collect(member) AS members, collect({user: u, standing: standing}) AS users
WITH r, sellers, things, members, users, 'shown ' + toString(size(users[..90])) + ' of ' + toString(r.size) + ' members, '
  + toString(size(things)) + ' of ' + toString(size(every)) + ' things' AS shown
UNWIND range(0, size(users[..90]) - 1) AS place
WITH r, sellers, things, shown, members[place] AS member, users[place].user AS u, users[place].standing AS standing
OPTIONAL MATCH touch = (u)-[t]->(thing) WHERE thing IN things
WITH r, sellers, shown, standing, member, thing, touch ORDER BY t:PURCHASED DESC, t.graphdetRun = r.graphdetRun DESC, t.count DESC, type(t)
WITH sellers, shown, standing, member, thing, head(collect(touch)) AS line
RETURN shown, standing, member, collect(line) AS lines, sellers
