// Whom to act on, and whom to hold
// Title zh: 可处理与应暂缓的成员
// Question: which members to act on, if it is a ring, and which to hold, since their part in it is weak?
// Question zh: 若确为团伙，哪些成员可处理（act），哪些因作用薄弱应暂缓、先不处理（hold）？
// Parameters: $ring, a ring's id
MATCH (r:FraudRing {ringId: $ring})<-[m:MEMBER_OF]-(u:User) WHERE m.graphdetRun = r.graphdetRun
WITH r, m, u ORDER BY m.standing, m.contribution DESC, u.userId
WITH r, collect({standing: m.standing, user: coalesce(u.fullId, u.userId), why: m.weak, evidence: m.contribution, events: m.events,
  first: m.firstSeen, last: m.lastSeen}) AS every
WITH r, every, size([one IN every WHERE one.standing = 'act' | 1]) AS act, size([one IN every WHERE one.standing = 'hold' | 1]) AS hold
UNWIND every[..150] AS one
RETURN one.standing AS standing, one.user AS user, one.why AS why, one.evidence AS evidence, one.events AS events, one.first AS first,
  one.last AS last, 'shown ' + toString(size(every[..150])) + ' of ' + toString(r.size) + ' members'
  + CASE WHEN act + hold = 0 THEN '; the run does not say whom to hold' ELSE ': ' + toString(act) + ' to act on, ' + toString(hold)
  + ' to hold' END AS shown
