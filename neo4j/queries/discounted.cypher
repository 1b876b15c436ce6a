// What was discounted
// Title zh: 因人流密集而降权的部分
// Question: which crowds did the run leave out of the evidence, and why? The most crowded of each type; the run's notes tell how many there are.
// Question zh: 本次运行因人流密集而没有计入证据的有哪些，为什么？仅列每类中最密集的，总数见运行的说明。
// Parameters: $run, a run's id
MATCH (d:DetectionRun {runId: $run})
UNWIND d.discounted[..150] AS cell
RETURN d.runId AS run, cell, 'shown ' + toString(size(d.discounted[..150])) + ' of ' + toString(size(d.discounted)) AS shown
