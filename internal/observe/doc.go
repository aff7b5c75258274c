// Package observe is what operators see of a running Portico: metrics, the access log and traces (docs/observability.md).
//
//	Metrics  every metric has its name here; services are told what to count by small functions that app hands them
//	Requests sees each request: metrics, the access log's line, the span
//	Traces   exports spans, if that is configured; otherwise nothing of it runs
//
// What is seen is bounded: a label has one of a few values that this program names, never an id, a name, an address or a path that
// somebody sent. What is secret has no way in: no header, no cookie, no query and no body is ever looked at. Only app imports this package.
package observe
