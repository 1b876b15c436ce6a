// What was discounted
// Question: which crowds did the run leave out of the evidence, and why?
// Parameters: $run, a run's id
MATCH (d:DetectionRun {runId: $run})
UNWIND d.discounted AS cell
RETURN d.runId AS run, cell LIMIT 150
