// What was discounted
// Title zh: 因人流密集而降权的部分
// Question: which crowds did the run leave out of the evidence, and why?
// Question zh: 本次运行因人流密集而没有计入证据的有哪些，为什么？
// Parameters: $run, a run's id
MATCH (d:DetectionRun {runId: $run})
UNWIND d.discounted[..150] AS cell
RETURN d.runId AS run, cell, 'shown ' + toString(size(d.discounted[..150])) + ' of ' + toString(size(d.discounted)) AS shown
