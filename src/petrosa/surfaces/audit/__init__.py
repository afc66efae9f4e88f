"""The audit of trading: turns as records that people search."""
