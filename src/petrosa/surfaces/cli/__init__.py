"""What commands print: tables and JSON on standard output, progress and complaints on standard error."""
