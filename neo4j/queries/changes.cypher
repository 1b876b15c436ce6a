// Latest run against the one before
// Question: which rings are new, which are gone, which are in both?
// Parameters: none
MATCH (d:DetectionRun) WHERE d.pushNumber > 0
WITH d ORDER BY d.pushNumber DESC LIMIT 2
WITH collect(d) AS runs
UNWIND runs AS d
MATCH (r:FraudRing)-[:FOUND_IN]->(d)
WITH runs, r, collect(d) AS found
RETURN CASE WHEN size(found) = 2 THEN 'in both' WHEN found[0] = runs[0] THEN 'new' ELSE 'gone' END AS change,
  r.ringId AS ring, r.status AS status, r.tier AS tier, r.score AS score, r.size AS members
ORDER BY change DESC, score DESC, ring LIMIT 150
