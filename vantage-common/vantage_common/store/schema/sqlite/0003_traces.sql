-- Spans by trace and span, so that the span at the other end of a call is found.

DROP INDEX spans_by_trace;
CREATE INDEX spans_by_trace ON spans (trace_id, span_id);
CREATE INDEX spans_by_parent ON spans (parent_span_id, trace_id);
