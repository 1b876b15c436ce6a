// Rings that share members
// Title zh: 有共同成员的团伙
// Question: which other rings have members, items or devices in common with this one?
// Question zh: 哪些其他团伙与该团伙有共同的成员、商品或设备？
// Parameters: $ring, a ring's id
MATCH bridge = (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(n)-[o:MEMBER_OF]->(other:FraudRing)
WHERE m.graphdetRun = r.graphdetRun AND o.graphdetRun = other.graphdetRun
WITH bridge, m, o, other, n ORDER BY other.rank, elementId(n)
WITH collect({bridge: bridge, here: m.standing, there: o.standing}) AS every
UNWIND every[..50] AS one
RETURN one.bridge AS bridge, one.here AS standingHere, one.there AS standingThere,
  'shown ' + toString(size(every[..50])) + ' of ' + toString(size(every)) AS shown
