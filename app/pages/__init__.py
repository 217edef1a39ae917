"""The pages of the web UI, one folder each: what it shows (`view`), its State and actions (`state`), how rows are told (`rows`)."""
