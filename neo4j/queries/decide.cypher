// Decide on the ring
// Title zh: 对该团伙作出处理意见
// Question: what is your verdict: confirmed, innocent or unsure? Put your name and your reason in first; the answer says whether it was noted.
// Question zh: 您的处理意见是什么：confirmed（确认）、innocent（正常）还是 unsure（不确定）？请先填写姓名和理由；结果会说明是否已记录。
// Parameters: $ring, a ring's id; $verdict; $author; $note
WITH {ring: $ring, verdict: $verdict, author: $author, note: $note} AS told
OPTIONAL MATCH (r:FraudRing {ringId: told.ring})
WITH r, told, ['your name', 'name', 'why', 'your reason', 'reason', 'note', 'author', '...', '…', '您的姓名', '姓名', '理由', '原因', '……']
  AS placeholders, coalesce(trim(toLower(told.author)), '') AS author, coalesce(trim(toLower(told.note)), '') AS note
WITH r, told, CASE
  WHEN r IS NULL THEN 'no ring of that id is here'
  WHEN NOT coalesce(told.verdict, '') IN ['confirmed', 'innocent', 'unsure'] THEN 'the verdict must be confirmed, innocent or unsure'
  WHEN author = '' OR author IN placeholders OR author =~ '(?s)<.*>|\\[.*\\]' THEN 'put your name as the author'
  WHEN note = '' OR note IN placeholders OR note =~ '(?s)<.*>|\\[.*\\]' THEN 'put your reason as the note'
  END AS missing
FOREACH (_ IN CASE WHEN missing IS NULL THEN [1] ELSE [] END |
  CREATE (:Case {caseId: 'case-' + randomUUID(), ringId: told.ring, runId: r.graphdetRun, status: told.verdict, author: told.author,
    note: told.note, decidedAt: datetime()})-[:ABOUT]->(r))
RETURN CASE WHEN missing IS NULL THEN 'noted: ' + told.verdict + ' by ' + told.author ELSE 'not noted: ' + missing END AS answer
