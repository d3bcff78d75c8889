"""A run as a file: `json_report` for programs, `junit_report` for CI, `html_report` for people."""
