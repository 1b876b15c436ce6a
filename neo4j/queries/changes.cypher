// Latest run against the one before
// Title zh: 最新一次运行与上一次的比较
// Question: which rings are new, which were not seen again, which are in both?
// Question zh: 哪些团伙是新的，哪些不再出现，哪些两次都有？
// Parameters: none
MATCH (d:DetectionRun) WHERE d.pushNumber > 0
WITH d ORDER BY d.pushNumber DESC LIMIT 2
WITH collect(d) AS runs
UNWIND runs AS d
MATCH (r:FraudRing)-[f:FOUND_IN]->(d)
WITH runs, r, d, f ORDER BY d.pushNumber DESC
WITH runs, r, collect(d) AS found, head(collect(f)) AS f
WITH CASE WHEN size(found) = 2 THEN 'in both' WHEN found[0] = runs[0] THEN 'new' ELSE 'not seen again' END AS change, r, f
ORDER BY CASE change WHEN 'new' THEN 0 WHEN 'in both' THEN 1 ELSE 2 END, f.rank, r.ringId
WITH collect({change: change, ring: r.ringId, f: f}) AS every
UNWIND every[..150] AS one
RETURN one.change AS change, one.ring AS ring, one.f.tier AS tier, one.f.size AS members, one.f.amount AS amount, one.f.atStake AS atStake,
  one.f.score AS score, 'shown ' + toString(size(every[..150])) + ' of ' + toString(size(every)) AS shown
