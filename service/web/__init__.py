"""HTTP in and out: parse, call a flow, answer; decides and counts nothing by itself."""
