// The ring and what its members share
// Question: who belongs to this ring, and what binds them? One line for each pair, a purchase where there is one, else the most frequent.
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})
CALL (r) {
  MATCH (thing)-[m:MEMBER_OF]->(r) WHERE NOT thing:User
  WITH thing ORDER BY m.contribution DESC, elementId(thing) LIMIT 59
  RETURN collect(thing) AS things
}
MATCH member = (u:User)-[m:MEMBER_OF]->(r)
WITH u, member, things ORDER BY m.contribution DESC, u.userId LIMIT 90
OPTIONAL MATCH touch = (u)-[t]->(thing) WHERE thing IN things
WITH u, member, thing, touch ORDER BY t:PURCHASED DESC, t.count DESC, type(t)
WITH u, member, thing, head(collect(touch)) AS line
RETURN member, collect(line) AS lines
